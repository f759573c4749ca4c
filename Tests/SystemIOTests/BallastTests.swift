import Glibc
import SystemIO
import TestSupport
import Testing

/// The ballast on a disk that fills, fails and loses its power.
struct BallastTests {
    private static let bytes = 8192

    private func ballast(_ disk: some FileSystem, minimumFree: Int = 0, at path: String = "/")
        -> Ballast
    {
        Ballast(
            directory: path, fileSystem: disk, bytes: Self.bytes, stepBytes: 1024,
            minimumFreeBytes: minimumFree, executor: .blocking("ballast"))
    }

    private func size(_ disk: SimulatedDisk) throws -> Int? {
        guard try disk.names(in: "/").contains(Ballast.name) else { return nil }
        return try disk.open("/ballast", .read).size()
    }

    @Test func `it is written whole and durable, and giving it up is durable too`() async throws {
        let disk = SimulatedDisk(capacity: 3 * Self.bytes)
        let ballast = ballast(disk)
        #expect(try await ballast.give() == 0)
        #expect(try await ballast.make())
        #expect(disk.callCounts["pwrite"] == 8 && disk.callCounts["fdatasync"] == 8)
        for seed in 0..<20 as Range<UInt64> {
            #expect(try size(disk.crashed(seed: seed)) == Self.bytes)
        }
        #expect(try await ballast.make())
        #expect(disk.callCounts["pwrite"] == 8)
        #expect(try await ballast.give() == Self.bytes)
        for seed in 0..<20 as Range<UInt64> {
            #expect(try disk.crashed(seed: seed).names(in: "/") == [])
        }
    }

    @Test func `it is made only where the limit and another ballast stay free`() async throws {
        for (room, minimumFree, isMade) in [
            (2 * Self.bytes, 0, true), (2 * Self.bytes - 1, 0, false),
            (4 * Self.bytes, 3 * Self.bytes, true), (4 * Self.bytes - 1, 3 * Self.bytes, false),
        ] {
            let disk = SimulatedDisk(capacity: room)
            #expect(try await ballast(disk, minimumFree: minimumFree).make() == isMade)
            #expect(try disk.names(in: "/") == (isMade ? [Ballast.name] : []))
        }
    }

    @Test
    func
        `a crash or a failure at any call leaves a whole ballast or none, and the next start goes on`()
        async throws
    {
        let whole = SimulatedDisk()
        #expect(try await ballast(whole).make())
        let calls = whole.calls.count
        var looked = 0
        for call in 1...calls {
            let disk = SimulatedDisk()
            disk.stop(afterCall: call)
            _ = try? await ballast(disk).make()
            for seed in 0..<10 as Range<UInt64> {
                let crashed = disk.crashed(seed: seed)
                let found = try size(crashed)
                #expect(found == nil || found == Self.bytes)
                #expect(try await ballast(crashed).make())
                #expect(try crashed.names(in: "/") == [Ballast.name])
                looked += 1
            }
            for fault in [SimulatedDisk.Fault.refused(ENOSPC), .short(ENOSPC), .late(EIO)] {
                let disk = SimulatedDisk()
                disk.fail(call: call, fault)
                _ = try? await ballast(disk).make()
                #expect(try await ballast(disk).make())
                #expect(try disk.names(in: "/") == [Ballast.name])
                looked += 1
            }
        }
        print("ballast: \(calls) calls, \(looked) crashes and failures")
        #expect(looked == calls * 13)
    }

    @Test func `its bytes are really on the disk`() async throws {
        let directory = TemporaryDirectory()
        let ballast = ballast(PosixFileSystem(), at: directory.path)
        #expect(try await ballast.make())
        var answer = stat()
        #expect(stat(directory.path + "/ballast", &answer) == 0)
        #expect(answer.st_blocks * 512 >= Self.bytes)
        #expect(try await ballast.give() == Self.bytes)
        #expect(try PosixFileSystem().names(in: directory.path) == [])
    }
}
