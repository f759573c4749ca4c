import SystemIO
import TestSupport
import Testing

@testable import WriteAheadLog

/// What a rewritten log says it left out: no less than is missing, and no more.
struct RewriteReportTests {
    private let base = RewriteTests()

    private func rewrite(_ pair: RewriteTests.Pair) throws -> LogRewrite {
        try pair.disk.makeDirectory("/new")
        return try LogRewrite(
            of: ReadableLog(in: "/state/wal", pair.disk), into: "/new/wal", store: pair.mark,
            random: SeededRandom(seed: 5), segmentBytes: 4096)
    }

    @Test func `records between the store and the log's start are missed`() async throws {
        let pair = try await base.pair(applied: 1)
        try pair.disk.remove("/state/wal/" + pair.names()[0])
        let missing = try rewrite(pair).missing
        #expect(missing.map(\.kind) == [.gap])
        #expect(missing.first?.first == LSN(2) && missing.first?.last == LSN(3))
    }

    @Test func `what the store has is not missed, nor does it keep the pair from being adopted`()
        async throws
    {
        let pair = try await base.pair(applied: 6)
        let names = try pair.names()
        var bytes = try pair.bytes(names[0])
        bytes[framePlaces(bytes)[1].offset + 100] ^= 1
        try pair.put(names[0], bytes)
        #expect(try rewrite(RewriteTests.Pair(pair.disk.copy(), pair.mark)).missing == [])
        try pair.disk.remove("/state/wal/" + names[2])
        guard case .adopted(.gapBetweenSegments, let done, _) = try await pair.adopt() else {
            Issue.record("damage that nobody misses was in the way")
            return
        }
        #expect(done.missing.map(\.first) == [LSN(7)] && done.carried == 3)
    }

    @Test func `a torn tail with whole frames behind it is no damage`() async throws {
        let pair = try await base.pair(applied: 0)
        let name = try pair.names()[3]
        var bytes = try pair.bytes(name)
        let places = framePlaces(bytes)
        // The first of two records of one group, and no promise: the sync frame never came.
        bytes[places[1].offset + 100] ^= 1
        for index in places[3].offset..<bytes.count { bytes[index] = 0 }
        let seed: UInt32 = ReferenceFormat.number(bytes, 40)
        let rest = ReferenceFormat.frame(
            type: 1, lsn: 12, promise: 10, previous: 0, payload: RewriteTests.payload(12),
            seed: seed)
        bytes.replaceSubrange(
            places[2].offset..<places[2].offset + rest.bytes.count, with: rest.bytes)
        try pair.put(name, bytes)
        try pair.disk.remove("/state/wal/" + pair.names()[1])
        guard case .adopted(_, let done, _) = try await pair.adopt() else {
            Issue.record("a torn tail was taken for damage")
            return
        }
        #expect(done.missing.map(\.kind) == [.gap, .tornTail])
        #expect(
            try await pair.start().records.map(\.payload)
                == ([1, 2, 3] + Array(7...10) + [12]).map(RewriteTests.payload))
    }

    @Test func `a segment of a newer format is named`() async throws {
        let pair = try await base.pair()
        let name = try pair.names()[2]
        var bytes = try pair.bytes(name)
        bytes[8] = 2
        try pair.put(name, bytes)
        let log = try ReadableLog(in: "/state/wal", pair.disk)
        #expect(log.missing.map(\.kind).contains(.newerFormat))
        guard case .refused(.newerFormat) = try await pair.adopt() else {
            Issue.record("a newer format was adopted")
            return
        }
    }

    @Test func `a log that is written to is never taken for damaged`() async throws {
        try await onOwnThread {
            let bench = try LogBench()
            let looks = try await bench.withLog { log, _ in
                let writer = Task {
                    for number in 0..<150 {
                        _ = try await log.append([RewriteTests.payload(number)])
                    }
                }
                var looks = 0
                var isWriting = true
                while isWriting || looks < 3 {
                    isWriting = log.status.syncedLSN < LSN(150)
                    let found = try LogInspection(
                        directory: bench.root, fileSystem: PosixFileSystem(), isLive: true)
                    #expect(
                        found.problems.filter { $0.kind != .tornTail }.isEmpty, "\(found.problems)")
                    looks += 1
                }
                try await writer.value
                return looks
            }
            print("looks at a log that is written to: \(looks)")
        }
    }
}
