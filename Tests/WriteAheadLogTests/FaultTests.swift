import Glibc
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

struct FaultTests {
    private static let prepared = ScriptedFileSystem.Call(operation: "fdatasync", name: "next.tmp")

    @Test(arguments: ["fdatasync", "pwrite"])
    func `an error of a segment is final for everyone who waits`(operation: String) async throws {
        let bench = try LogBench()
        try await bench.withLog { log, _ in
            _ = try await log.append([payload(1)])
            await bench.fileSystem.wait(for: Self.prepared, count: 3)
            bench.fileSystem.fail { $0.operation == operation ? EIO : nil }
            async let woken = log.waitForRecords(after: LSN(1))
            let failures = await withTaskGroup(of: LogFailure?.self) { group in
                for number in 2...9 {
                    group.addTask {
                        do throws(LogFailure) {
                            _ = try await log.append([payload(number)])
                            return nil
                        } catch { return error }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            bench.fileSystem.fail(nil)
            let failure = try #require(log.status.failure)
            #expect(failures == [LogFailure?](repeating: failure, count: 8))
            #expect(failure.exitStatus == 1)
            #expect(failure.description.contains("Input/output error (errno 5)"))
            let path = bench.path("00000000000000000001.wal")
            #expect(failure.description.contains("\(operation) \(path): "))
            #expect(await woken == false)
            await #expect(throws: failure) { try await log.append([payload(10)]) }
            #expect(log.status.syncedLSN == LSN(1))
            #expect(try all(of: log).map(\.payload) == [payload(1)])
        }
        let (records, _) = try await bench.recordsAfterOpening()
        #expect(records.first?.payload == payload(1))
    }

    @Test func `no room for a segment pauses, and the log goes on by itself`() async throws {
        let bench = try LogBench()
        bench.fileSystem.fail { call in
            call.name == "next.tmp" && call.operation == "posix_fallocate" ? ENOSPC : nil
        }
        try await bench.withLog { log, _ in
            bench.fileSystem.fail { $0.operation == "pwrite" ? ENOSPC : nil }
            // Recovery found no room, so its segment is full as it is: an append has to wait.
            async let last = log.append([payload(1)])
            await bench.clock.waitForSleeper()
            guard case .outOfSpace(let failure) = log.status.paused else {
                Issue.record("\(log.status)")
                return
            }
            #expect(failure.errno == ENOSPC)
            bench.fileSystem.fail(nil)
            bench.clock.advance(by: .seconds(1))
            let lsn = try await last
            #expect(lsn == LSN(1))
            #expect(log.status.failure == nil)
        }
        let (records, report) = try await bench.recordsAfterOpening()
        #expect(records.map(\.payload) == [payload(1)])
        #expect(report.tornTail == nil)
    }

    @Test func `maximumBytes pauses until segments are removed`() async throws {
        var options = LogBench.smallSegments
        options.maximumBytes = 3 * options.segmentBytes
        let bench = try LogBench(options)
        try await bench.withLog { log, _ in
            let large = [UInt8](repeating: 1, count: 3000)
            for _ in 1...3 { _ = try await log.append([large]) }
            async let fourth = log.append([large])
            await bench.clock.waitForSleeper()
            #expect(
                log.status.paused == .maximumBytes(limit: 12288, inUse: 12288))
            try await log.removeSegments(appliedThrough: LSN(1))
            #expect(try await fourth == LSN(4))
            #expect(log.status.bytes <= options.maximumBytes)
        }
    }

    @Test func `minimumFreeBytes pauses until there is room`() async throws {
        var options = LogBench.smallSegments
        options.minimumFreeBytes = 1 << 20
        let bench = try LogBench(options)
        bench.fileSystem.setAvailable(1 << 20)
        try await bench.withLog { log, _ in
            #expect(log.status.paused == .minimumFreeBytes(limit: 1 << 20, available: 1 << 20))
            async let first = log.append([payload(1)])
            await bench.clock.waitForSleeper()
            bench.fileSystem.setAvailable(2 << 20)
            bench.clock.advance(by: .seconds(1))
            let lsn = try await first
            #expect(lsn == LSN(1))
        }
    }

    @Test func `a log that pauses goes on at once when its limits are raised`() async throws {
        var options = LogBench.smallSegments
        options.maximumBytes = 3 * options.segmentBytes
        options.minimumFreeBytes = 1 << 20
        let bench = try LogBench(options)
        bench.fileSystem.setAvailable(2 << 20)
        try await bench.withLog { log, _ in
            let large = [UInt8](repeating: 1, count: 3000)
            for _ in 1...3 { _ = try await log.append([large]) }
            async let fourth = log.append([large])
            await bench.clock.waitForSleeper()
            #expect(log.status.paused == .maximumBytes(limit: 12288, inUse: 12288))
            // The clock stands still: only the new limit can be what wakes the log.
            log.setLimits(maximumBytes: 6 * options.segmentBytes, minimumFreeBytes: 1 << 20)
            #expect(try await fourth == LSN(4))
            bench.fileSystem.setAvailable(1 << 20)
            _ = try await log.append([large])
            async let sixth = log.append([large])
            await bench.clock.waitForSleeper()
            log.setLimits(maximumBytes: 9 * options.segmentBytes, minimumFreeBytes: 0)
            #expect(try await sixth == LSN(6))
        }
    }

    /// Recovery's segment then has no room for a record, and the next one begins at the same LSN, under its name.
    @Test func `a log that was opened without room keeps its newest segment when older ones go`()
        async throws
    {
        var options = LogBench.smallSegments
        options.minimumFreeBytes = 1 << 20
        let bench = try LogBench(options)
        bench.fileSystem.setAvailable(2 << 20)
        let logID = try await bench.withLog { log, _ in
            _ = try await log.append((1...3).map { payload($0) })
            return log.logID
        }
        bench.fileSystem.setAvailable(1 << 20)
        let mark = StoreMark(logID: logID, appliedLSN: LSN(3))
        try await bench.withLog(store: mark) { log, _ in
            async let fourth = log.append([payload(4)])
            await bench.clock.waitForSleeper()
            bench.fileSystem.setAvailable(2 << 20)
            bench.clock.advance(by: .seconds(1))
            #expect(try await fourth == LSN(4))
            try await log.removeSegments(appliedThrough: LSN(3))
            #expect(try bench.segmentNames() == ["00000000000000000004.wal"])
            #expect(log.status.segments == 1)
            #expect(try await log.append([payload(5)]) == LSN(5))
            #expect(try all(of: log, after: LSN(3)).map(\.lsn) == lsns(4...5))
        }
        let records = try await bench.withLog(store: mark) { log, _ in
            try all(of: log, after: LSN(3))
        }
        #expect(records.map(\.payload) == [payload(4), payload(5)])
    }

    @Test func `an append that waits for room is refused by a stop, and the log stays whole`()
        async throws
    {
        var options = LogBench.smallSegments
        options.minimumFreeBytes = 1 << 20
        let bench = try LogBench(options)
        bench.fileSystem.setAvailable(1 << 20)
        try await bench.withLog { log, _ in
            async let first = log.append([payload(1)])
            await bench.clock.waitForSleeper()
            log.refuseWithoutRoom()
            let outcome: LogFailure?
            do {
                _ = try await first
                outcome = nil
            } catch {
                outcome = error as? LogFailure
            }
            #expect(outcome == .closed)
            #expect(log.status.failure == nil)
            bench.fileSystem.setAvailable(2 << 20)
        }
        let (records, _) = try await bench.recordsAfterOpening()
        #expect(records.isEmpty)
    }

    @Test func `an unclean end after a full disk loses nothing acknowledged`() async throws {
        let bench = try LogBench()
        let copy = try await bench.withLog { log, _ in
            for number in 1...40 { _ = try await log.append([payload(number)]) }
            return try LogBench(copyOf: bench)
        }
        copy.fileSystem.setAvailable(0)
        try await copy.withLog { log, report in
            #expect(report.lastLSN == LSN(40))
            #expect(log.status.paused != nil)
            let records = try all(of: log)
            #expect(records.map(\.payload) == (1...40).map(payload))
        }
    }
}
