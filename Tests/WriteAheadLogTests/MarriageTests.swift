import SystemIO
import Testing
import WriteAheadLog

struct MarriageTests {
    /// A log of 4 segments with 12 records, closed.
    private func closedLog() async throws -> (bench: LogBench, logID: LogID) {
        let bench = try LogBench()
        let logID = try await bench.withLog { log, _ in
            for number in 1...12 {
                _ = try await log.append([[UInt8](repeating: UInt8(number), count: 1100)])
            }
            return log.logID
        }
        return (bench, logID)
    }

    private func expect(
        _ refusal: LogFailure?, _ mismatch: LogMismatch, _ bench: LogBench,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(
            refusal == .doesNotBelong(mismatch, directory: bench.root), sourceLocation: location)
        #expect(refusal?.exitStatus == 78, sourceLocation: location)
        #expect(
            refusal?.description.hasSuffix("run: s3remedyd wal adopt \(bench.root)") == true,
            sourceLocation: location)
    }

    @Test func `a new store takes the log's ID, and the pair opens again`() async throws {
        let (bench, logID) = try await closedLog()
        #expect(try await bench.refusal() == nil)
        for applied in [0, 1, 12] as [UInt64] {
            let mark = StoreMark(logID: logID, appliedLSN: LSN(applied))
            #expect(try await bench.refusal(store: mark) == nil)
        }
    }

    @Test func `a store fed by another log is refused`() async throws {
        let (bench, logID) = try await closedLog()
        let other = try #require(LogID(bytes: [UInt8](repeating: 9, count: 16)))
        let refusal = try await bench.refusal(store: StoreMark(logID: other, appliedLSN: LSN(3)))
        expect(refusal, .otherLogID(log: logID, store: other), bench)
    }

    @Test func `a store with an ID and no log is refused`() async throws {
        let bench = try LogBench()
        let known = try #require(LogID(bytes: [UInt8](repeating: 9, count: 16)))
        let refusal = try await bench.refusal(store: StoreMark(logID: known, appliedLSN: .none))
        expect(refusal, .logMissing(store: known), bench)
    }

    @Test func `a store that has applied records and knows no ID is refused`() async throws {
        let (bench, _) = try await closedLog()
        let mark = StoreMark(logID: nil, appliedLSN: LSN(2))
        expect(try await bench.refusal(store: mark), .storeWithoutLogID(applied: LSN(2)), bench)
        let empty = try LogBench()
        expect(try await empty.refusal(store: mark), .storeWithoutLogID(applied: LSN(2)), empty)
    }

    @Test func `a log that ends before the store is refused`() async throws {
        let (bench, logID) = try await closedLog()
        let refusal = try await bench.refusal(store: StoreMark(logID: logID, appliedLSN: LSN(13)))
        expect(refusal, .logEndsBeforeStore(last: LSN(12), applied: LSN(13)), bench)
    }

    @Test func `a log that starts behind the store's next record is refused`() async throws {
        let (bench, logID) = try await closedLog()
        let names = try bench.segmentNames()
        try PosixFileSystem().remove(bench.path(names[0]))
        let refusal = try await bench.refusal(store: StoreMark(logID: logID, appliedLSN: LSN(2)))
        expect(refusal, .logStartsAfterStore(first: LSN(4), applied: LSN(2)), bench)
        #expect(
            try await bench.refusal(store: StoreMark(logID: logID, appliedLSN: LSN(3))) == nil)
    }

    @Test func `a gap between segments is refused`() async throws {
        let (bench, _) = try await closedLog()
        let names = try bench.segmentNames()
        try PosixFileSystem().remove(bench.path(names[1]))
        expect(
            try await bench.refusal(),
            .gapBetweenSegments(after: LSN(3), next: LSN(7), file: bench.path(names[2])), bench)
    }

    @Test func `a segment of another log is refused`() async throws {
        let (bench, logID) = try await closedLog()
        let (other, otherID) = try await closedLog()
        let name = try bench.segmentNames()[2]
        try write(try read(other.path(name)), to: bench.path(name))
        expect(
            try await bench.refusal(),
            .segmentOfOtherLog(file: bench.path(name), log: logID, segment: otherID), bench)
    }

    @Test func `damage in an older segment is refused unless the store has all of it`() async throws
    {
        let (bench, logID) = try await closedLog()
        let name = try bench.segmentNames()[1]
        let place = framePlaces(try read(bench.path(name)))[1]
        try bench.edit(name) { $0[place.offset + 100] ^= 1 }
        guard case .damaged(let damage) = try await bench.refusal() else {
            Issue.record("not refused")
            return
        }
        #expect(damage.file == bench.path(name))
        #expect(damage.offset == place.offset && damage.lsn == LSN(5))
        #expect(try await bench.refusal(store: StoreMark(logID: logID, appliedLSN: LSN(6))) == nil)
    }
}
