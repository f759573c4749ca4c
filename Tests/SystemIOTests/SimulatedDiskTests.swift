import Glibc
import SystemIO
import TestSupport
import Testing

/// That the simulated disk loses what the fault model says and nothing else.
struct SimulatedDiskTests {
    private let old = [UInt8](repeating: 1, count: 2048)
    private let new = [UInt8](repeating: 2, count: 2048)

    private func content(_ disk: SimulatedDisk, _ path: String) throws -> [UInt8] {
        let file = try disk.open(path, .read)
        var bytes = [UInt8](repeating: 0, count: try file.size())
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        _ = try file.read(into: &raw, at: 0)
        return bytes
    }

    /// A disk with a durable file `/a` of `old`.
    private func disk() throws -> (disk: SimulatedDisk, file: any OpenFile) {
        let disk = SimulatedDisk()
        let file = try disk.open("/a", .create)
        try file.write(old.span.bytes, at: 0)
        try file.sync()
        try disk.syncDirectory("/")
        return (disk, file)
    }

    @Test func `a crash keeps all that was synced and tears at sectors what was not`() throws {
        let (disk, file) = try disk()
        try file.write(new.span.bytes, at: 0)
        var outcomes: Set<[UInt8]> = []
        for seed in 0..<200 as Range<UInt64> {
            let bytes = try content(disk.crashed(seed: seed), "/a")
            #expect(bytes.count == 2048)
            let sectors = (0..<4).map { Set(bytes[$0 * 512..<$0 * 512 + 512]) }
            #expect(sectors.allSatisfy { $0.count == 1 })
            outcomes.insert(sectors.compactMap(\.first))
            #expect(try content(disk.crashed(seed: seed), "/a") == bytes)
        }
        #expect(outcomes.count == 16)
        #expect(try content(disk, "/a") == new)
        try file.syncData()
        for seed in 0..<20 as Range<UInt64> {
            #expect(try content(disk.crashed(seed: seed), "/a") == new)
        }
    }

    @Test func `a size that grew may be lost, or kept without the content`() throws {
        let (disk, file) = try disk()
        try file.write(new.span.bytes, at: 2048)
        let outcomes = try (0..<200 as Range<UInt64>).map { seed in
            try content(disk.crashed(seed: seed), "/a")
        }
        #expect(outcomes.allSatisfy { $0.starts(with: old) })
        #expect(outcomes.contains(old))
        #expect(outcomes.contains(old + [UInt8](repeating: 0, count: 2048)))
        #expect(outcomes.contains(old + new))
    }

    @Test func `names are volatile until their directory is synced`() throws {
        let (disk, _) = try disk()
        try disk.makeDirectory("/d")
        let file = try disk.open("/b", .create)
        try file.write(new.span.bytes, at: 0)
        try file.sync()
        try disk.rename("/b", to: "/a")
        var seen: Set<[String]> = []
        for seed in 0..<200 as Range<UInt64> {
            let crashed = disk.crashed(seed: seed)
            let names = try crashed.names(in: "/").sorted()
            seen.insert(names)
            #expect([old, new].contains(try content(crashed, "/a")))
        }
        #expect(seen == [["a"], ["a", "b"], ["a", "d"], ["a", "b", "d"]])
        try disk.syncDirectory("/")
        for seed in 0..<20 as Range<UInt64> {
            let crashed = disk.crashed(seed: seed)
            #expect(try crashed.names(in: "/").sorted() == ["a", "d"])
            #expect(try content(crashed, "/a") == new)
        }
    }

    @Test func `a failed sync is not made good by the next one`() throws {
        let (disk, file) = try disk()
        try file.write(new.span.bytes, at: 0)
        disk.fail(call: disk.calls.count + 1, .refused(EIO))
        #expect(throws: FileFailure(operation: "fdatasync", path: "/a", errno: EIO)) {
            try file.syncData()
        }
        try file.syncData()
        #expect(try content(disk, "/a") == new)
        #expect(try content(disk.copy(), "/a") == new)
        let crashed = try content(disk.crashed(seed: 4), "/a")
        #expect(crashed != new && crashed != old)
    }

    @Test func `every call fails as it is told, and the calls are counted by name`() throws {
        let faults: [SimulatedDisk.Fault] = [.refused(EIO), .short(ENOSPC), .late(EIO)]
        for (index, fault) in faults.enumerated() {
            let disk = SimulatedDisk()
            let file = try disk.open("/a", .create)
            disk.fail(call: 2, fault)
            #expect(throws: FileFailure.self) { try file.write(new.span.bytes, at: 0) }
            #expect(try file.size() == [0, 1024, 2048][index])
            disk.fail(call: 4, fault)
            #expect(throws: FileFailure.self) { try disk.rename("/a", to: "/b") }
            #expect(try disk.names(in: "/") == (index == 2 ? ["b"] : ["a"]))
            #expect(
                disk.callCounts
                    == ["open": 1, "pwrite": 1, "fstat": 1, "rename": 1, "opendir": 1])
        }
    }

    @Test func `after the last call nothing changes any more`() throws {
        let (disk, file) = try disk()
        disk.stop(afterCall: disk.calls.count)
        #expect(throws: FileFailure(operation: "pwrite", path: "/a", errno: EIO)) {
            try file.write(new.span.bytes, at: 0)
        }
        #expect(throws: FileFailure.self) { try disk.remove("/a") }
        #expect(try content(disk.crashed(seed: 4), "/a") == old)
    }

    @Test func `a full disk refuses to grow and takes what fits`() throws {
        let disk = SimulatedDisk(capacity: 3000)
        let file = try disk.open("/a", .create)
        try file.write(old.span.bytes, at: 0)
        #expect(try disk.availableBytes(at: "/") == 952)
        #expect(throws: FileFailure(operation: "pwrite", path: "/a", errno: ENOSPC)) {
            try file.write(new.span.bytes, at: 1024)
        }
        try file.write(new.span.bytes, at: 0)
        #expect(throws: FileFailure(operation: "posix_fallocate", path: "/a", errno: ENOSPC)) {
            try file.allocate(3001)
        }
        try file.allocate(3000)
    }
}
