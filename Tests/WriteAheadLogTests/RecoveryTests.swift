import Glibc
import Synchronization
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

struct RecoveryTests {
    private static let first = "00000000000000000001.wal"

    /// A log as kill -9 leaves it: 3 records promised, then a group of 4 acknowledged and not promised.
    private func killed() async throws -> LogBench {
        let bench = try LogBench()
        let copy = try await bench.withLog { log, _ in
            _ = try await log.append((1...3).map(payload))
            await bench.clock.waitForSleeper()
            _ = try await log.append((4...7).map(payload))
            return try LogBench(copyOf: bench)
        }
        return copy
    }

    @Test func `after kill -9 nothing acknowledged is missing, and nothing is torn`() async throws {
        let bench = try await killed()
        let (records, report) = try await bench.recordsAfterOpening()
        #expect(records.map(\.payload) == (1...7).map(payload))
        #expect(report.tornTail == nil)
        #expect(report.rewrittenRecords == 4)
        #expect(try bench.segmentNames() == [Self.first, "00000000000000000004.wal"])
        let (again, second) = try await bench.recordsAfterOpening()
        #expect(again == records)
        #expect(second.rewrittenRecords == 0)
        #expect(try bench.tornNames().isEmpty)
    }

    @Test func `where nothing was promised the new segment replaces the old one`() async throws {
        let bench = try LogBench()
        let copy = try await bench.withLog { log, _ in
            _ = try await log.append((1...4).map(payload))
            return try LogBench(copyOf: bench)
        }
        let before = try copy.files()[0].bytes
        let (records, report) = try await copy.recordsAfterOpening()
        #expect(records.map(\.payload) == (1...4).map(payload))
        #expect(report.rewrittenRecords == 4)
        #expect(try copy.segmentNames() == [Self.first])
        #expect(Array(before[40..<44]) != Array(try copy.files()[0].bytes[40..<44]))
    }

    @Test(arguments: [false, true])
    func `a last frame cut at every byte is a torn tail`(isShorterFile: Bool) async throws {
        let original = try await killed()
        let bytes = try original.files()[0].bytes
        let last = try #require(framePlaces(bytes).last)
        var cases = 0
        for cut in last.offset..<last.offset + last.padded {
            let bench = try LogBench(copyOf: original)
            try bench.edit(Self.first) { bytes in
                if isShorterFile {
                    bytes.removeLast(bytes.count - cut)
                } else {
                    for index in cut..<bytes.count { bytes[index] = 0 }
                }
            }
            let isWhole = try read(bench.path(Self.first)) == bytes
            let (records, report) = try await bench.recordsAfterOpening()
            #expect(records.map(\.payload) == (1...(isWhole ? 7 : 6)).map(payload))
            let torn = Array(bytes[last.offset..<cut]).reversed().drop { $0 == 0 }.reversed()
            if isWhole || torn.isEmpty {
                #expect(report.tornTail == nil)
            } else {
                let tail = try #require(report.tornTail)
                #expect(tail.offset == last.offset && tail.lsn == LSN(7))
                #expect(try read(tail.keptAs) == Array(torn))
                #expect(tail.bytes == torn.count)
            }
            cases += 1
        }
        print(
            "torn tails, file \(isShorterFile ? "cut" : "zeroed") from every byte: \(cases) cases")
        #expect(cases == last.padded)
    }

    @Test
    func `a flipped byte anywhere in the last group cuts the log there, in the store's absence`()
        async throws
    {
        let original = try await killed()
        let bytes = try original.files()[0].bytes
        let group = framePlaces(bytes).suffix(4)
        var cases = 0
        for (index, frame) in group.enumerated() {
            for offset in frame.offset..<frame.offset + frame.padded {
                let bench = try LogBench(copyOf: original)
                try bench.edit(Self.first) { $0[offset] ^= 0x41 }
                let (records, report) = try await bench.recordsAfterOpening()
                #expect(records.map(\.payload) == (1..<4 + index).map(payload))
                #expect(report.tornTail?.lsn == LSN(UInt64(4 + index)))
                #expect(report.tornTail?.offset == frame.offset)
                cases += 1
            }
        }
        print("one byte of the last group flipped: \(cases) cases")
        #expect(cases == group.reduce(0) { $0 + $1.padded })
    }

    @Test func `a flipped byte anywhere below the promise refuses the start and names the place`()
        async throws
    {
        let original = try await killed()
        let bytes = try original.files()[0].bytes
        let promised = framePlaces(bytes).prefix(4)  // a sync frame and three records
        var cases = 0
        for (index, frame) in promised.enumerated() {
            for offset in frame.offset..<frame.offset + frame.padded {
                let bench = try LogBench(copyOf: original)
                try bench.edit(Self.first) { $0[offset] ^= 0x41 }
                let refusal = try await bench.refusal()
                guard case .damaged(let damage) = refusal else {
                    Issue.record("offset \(offset): \(String(describing: refusal))")
                    continue
                }
                #expect(damage.file == bench.path(Self.first))
                #expect(damage.offset == frame.offset)
                #expect(damage.lsn == LSN(UInt64(max(1, index))))
                #expect(try read(bench.path(Self.first)).count == bytes.count)
                cases += 1
            }
        }
        print("one byte below the promise flipped: \(cases) cases")
        #expect(cases == promised.reduce(0) { $0 + $1.padded })
    }

    @Test func `the refusal of a damaged log names file, offset, LSN and command`() async throws {
        let bench = try await killed()
        let place = framePlaces(try read(bench.path(Self.first)))[2]
        try bench.edit(Self.first) { $0[place.offset + 33] ^= 1 }
        let refusal = try #require(try await bench.refusal())
        let expected =
            "the log is damaged: \(bench.path(Self.first)) offset \(place.offset), LSN 2: the frame's "
            + "checksum does not hold, and the frame at offset "
        #expect(refusal.description.hasPrefix(expected))
        #expect(refusal.description.hasSuffix("; run: s3remedyd wal salvage \(bench.root)"))
        #expect(refusal.exitStatus == 78)
    }

    @Test func `what the store has applied is promised too`() async throws {
        let bench = try await killed()
        let logID = try await LogBench(copyOf: bench).withLog { log, _ in log.logID }
        let last = try #require(framePlaces(try read(bench.path(Self.first))).last)
        try bench.edit(Self.first) { $0[last.offset] ^= 1 }
        let refusal = try await bench.refusal(store: StoreMark(logID: logID, appliedLSN: LSN(7)))
        guard case .damaged(let damage) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(damage.offset == last.offset && damage.lsn == LSN(7))
        #expect(try await bench.refusal(store: StoreMark(logID: logID, appliedLSN: LSN(6))) == nil)
    }

    @Test func `a lost sync frame before a group is damage, not a torn tail`() async throws {
        let bench = try LogBench()
        let copy = try await bench.withLog { log, _ in
            _ = try await log.append([payload(1)])
            await bench.clock.waitForSleeper()
            await bench.fileSystem.wait(
                for: .init(operation: "fdatasync", name: "next.tmp"), count: 3)
            bench.fileSystem.forgetCalls()
            bench.clock.advance(by: .milliseconds(50))
            await bench.fileSystem.wait(for: .init(operation: "fdatasync", name: "next.tmp"))
            _ = try await log.append([payload(2)])
            return try LogBench(copyOf: bench)
        }
        let places = framePlaces(try read(copy.path(Self.first)))
        #expect(places.map(\.type) == [2, 1, 2, 1])
        try copy.edit(Self.first) { $0[places[2].offset + 8] ^= 1 }
        guard case .damaged(let damage) = try await copy.refusal() else {
            Issue.record("not refused")
            return
        }
        #expect(damage.offset == places[2].offset)
    }

    @Test func `a damaged segment header is refused`() async throws {
        for offset in [0, 17, 30, 41, 50, 61] {
            let bench = try await killed()
            try bench.edit(Self.first) { $0[offset] ^= 0x10 }
            guard case .damaged(let damage) = try await bench.refusal() else {
                Issue.record("offset \(offset) was not refused")
                continue
            }
            #expect(damage.offset == 0 && damage.lsn == LSN(1))
        }
    }

    @Test func `a newer format version is refused by name`() async throws {
        let bench = try await killed()
        try bench.edit(Self.first) { $0[8] = 2 }
        let refusal = try await bench.refusal()
        #expect(refusal == .newerFormat(file: bench.path(Self.first), version: 2))
        #expect(refusal?.exitStatus == 78)
    }

    @Test func `an interrupted recovery leaves an overlap that the next one ends`() async throws {
        let original = try await killed()
        let old = try original.files()[0].bytes
        let bench = try LogBench(copyOf: original)
        _ = try await bench.recordsAfterOpening()
        // As if the crash came after the rename and before the cut; once more with a torn end.
        for isTorn in [false, true] {
            let copy = try LogBench(copyOf: bench)
            try copy.edit(Self.first) { bytes in
                bytes = old
                if isTorn, let last = framePlaces(old).last { bytes[last.offset] ^= 1 }
            }
            let (records, report) = try await copy.recordsAfterOpening()
            #expect(records.map(\.payload) == (1...7).map(payload))
            #expect(report.cutOverlaps == [copy.path(Self.first)])
            #expect(report.tornTail == nil)
            #expect(try await copy.recordsAfterOpening().report.cutOverlaps == [])
        }
    }

    @Test func `recovery makes the new segment durable before its name, and that before the cut`()
        async throws
    {
        let bench = try await killed()
        bench.fileSystem.setAvailable(0)  // the helper makes no file
        bench.fileSystem.forgetCalls()
        let (log, _) = try bench.open()
        let calls = bench.fileSystem.calls.map { $0.operation + " " + $0.name }
            .filter { !$0.hasPrefix("open ") }
        await log.close()
        #expect(
            calls == [
                "mkdir wal", "fsync \(bench.root.split(separator: "/").last ?? "")",
                "pwrite next.tmp", "pwrite next.tmp", "fsync next.tmp",
                "rename 00000000000000000004.wal", "fsync wal",
                "ftruncate \(Self.first)", "fsync \(Self.first)",
            ])
    }

    @Test(arguments: [false, true])
    func `a recovery that dies at any step loses nothing`(isTorn: Bool) async throws {
        let original = try await killed()
        let last = try #require(framePlaces(try original.files()[0].bytes).last)
        var steps = 0
        while true {
            let bench = try LogBench(copyOf: original)
            if isTorn { try bench.edit(Self.first) { $0[last.offset + 33] ^= 1 } }
            let countdown = Countdown(steps)
            bench.fileSystem.fail { call in
                ["open", "mkdir"].contains(call.operation) || countdown.next() ? nil : EIO
            }
            guard case .ioFailed = try await bench.refusal() else { break }
            bench.fileSystem.fail(nil)
            let (records, report) = try await bench.recordsAfterOpening()
            #expect(records.map(\.payload) == (1...(isTorn ? 6 : 7)).map(payload))
            #expect(isTorn || report.tornTail == nil)
            #expect(try bench.tornNames().isEmpty == !isTorn)
            steps += 1
        }
        print("recovery, \(isTorn ? "torn" : "whole"), died at \(steps) steps")
        #expect(steps >= 9)
    }

    @Test func `recovery deletes files in the making and keeps the newest three torn tails`()
        async throws
    {
        let bench = try LogBench()
        var kept: [String] = []
        for round in 1...5 {
            try await bench.withLog { log, _ in _ = try await log.append([payload(round)]) }
            try write([1, 2, 3], to: bench.path("next.tmp"))
            let name = try #require(try bench.segmentNames().last)
            try bench.edit(name) { bytes in
                let end = framePlaces(bytes).last.map { $0.offset + $0.padded } ?? 64
                bytes[end + 16] = 0xEE
            }
            let (records, report) = try await bench.recordsAfterOpening()
            #expect(records.map(\.payload) == (1...round).map(payload))
            kept.append(try #require(report.tornTail).keptAs)
            #expect(try read(kept[round - 1]) == [UInt8](repeating: 0, count: 16) + [0xEE])
            #expect(try !PosixFileSystem().names(in: bench.state.logPath).contains("next.tmp"))
        }
        #expect(try bench.tornNames().map(bench.path) == Array(kept.suffix(3)))
    }

    @Test func `after a cut no acknowledged LSN is given again`() async throws {
        let bench = try await killed()
        let last = try #require(framePlaces(try read(bench.path(Self.first))).last)
        try bench.edit(Self.first) { $0[last.offset + 40] ^= 1 }
        try await bench.withLog { log, report in
            #expect(report.lastLSN == LSN(6))
            let last = try await log.append([payload(8), payload(9)])
            #expect(last == LSN(8))
        }
        let (records, _) = try await bench.recordsAfterOpening()
        #expect(records.map(\.lsn) == lsns(1...8))
        #expect(records.map(\.payload) == ((1...6) + [8, 9]).map(payload))
    }
}

/// True for the first calls, then false.
private final class Countdown: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    func next() -> Bool {
        left.withLock { left in
            left -= 1
            return left >= 0
        }
    }
}
