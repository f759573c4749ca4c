import SystemIO
import TestSupport
import Testing
import WriteAheadLog

struct AppendTests {
    @Test func `what was appended is read back after a reopen, in order`() async throws {
        let bench = try LogBench()
        let payloads = (1...100).map(payload)
        try await bench.withLog { log, report in
            #expect(report.isNew)
            for start in stride(from: 0, to: 100, by: 10) {
                let last = try await log.append(Array(payloads[start..<start + 10]))
                #expect(last == LSN(UInt64(start + 10)))
            }
            #expect(log.status.syncedLSN == LSN(100))
        }
        let (records, report) = try await bench.recordsAfterOpening()
        #expect(records.map(\.payload) == payloads)
        #expect(records.map(\.lsn) == lsns(1...100))
        #expect(!report.isNew)
        #expect(report.rewrittenRecords == 0)
        #expect(report.tornTail == nil)
        #expect(try bench.segmentNames().count > 1)
        #expect(try bench.tornNames().isEmpty)
    }

    @Test func `appends of many tasks all become durable and keep their own order`() async throws {
        let bench = try LogBench()
        let (writers, rounds) = (16, 20)
        try await bench.withLog { log, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<writers {
                    group.addTask {
                        for round in 0..<rounds {
                            _ = try await log.append(
                                (0..<3).map { Array("\(writer) \(round * 3 + $0)".utf8) })
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let (records, _) = try await bench.recordsAfterOpening()
        #expect(records.count == writers * rounds * 3)
        #expect(records.map(\.lsn) == lsns(1...UInt64(writers * rounds * 3)))
        for writer in 0..<writers {
            let texts = records.map { String(decoding: $0.payload, as: UTF8.self) }
            let own = texts.filter { $0.hasPrefix("\(writer) ") }
            #expect(own == (0..<rounds * 3).map { "\(writer) \($0)" })
        }
    }

    @Test func `append refuses an empty list, an empty record and one that is too large`()
        async throws
    {
        let bench = try LogBench()
        try await bench.withLog { log, _ in
            await #expect(throws: LogFailure.emptyAppend) { try await log.append([]) }
            await #expect(throws: LogFailure.emptyAppend) { try await log.append([[1], []]) }
            let limit = bench.options.maximumPayloadBytes
            await #expect(throws: LogFailure.recordTooLarge(bytes: limit + 1, limit: limit)) {
                try await log.append([[UInt8](repeating: 0, count: limit + 1)])
            }
            let largest = [UInt8](repeating: 7, count: limit)
            let last = try await log.append([largest, largest])
            #expect(last == LSN(2))
            #expect(try all(of: log).map(\.payload) == [largest, largest])
        }
        #expect(LogOptions().maximumPayloadBytes == 2 << 20)
    }

    @Test func `an append that exceeds a group is split and still answered once`() async throws {
        var options = LogBench.smallSegments
        options.segmentBytes = 8 << 20
        options.fillStepBytes = 1 << 20
        let bench = try LogBench(options)
        let payloads = (0..<7).map { [UInt8](repeating: $0, count: 2 << 20) }
        try await bench.withLog { log, _ in
            let last = try await log.append(payloads)
            #expect(last == LSN(7))
            #expect(try all(of: log).map(\.payload) == payloads)
        }
    }

    @Test func `an append after close is refused`() async throws {
        let bench = try LogBench()
        let (log, _) = try bench.open()
        _ = try await log.append([[1]])
        await log.close()
        await log.close()
        await #expect(throws: LogFailure.closed) { try await log.append([[2]]) }
        #expect(log.status.failure == nil)
        #expect(await log.waitForRecords(after: LSN(1)) == false)
        #expect(try !PosixFileSystem().names(in: bench.state.logPath).contains("next.tmp"))
    }

    @Test func `a second process is refused by the lock and told who holds it`() throws {
        let bench = try LogBench()
        do {
            _ = try StateDirectory.lock(
                bench.root, fileSystem: PosixFileSystem(), holder: "other")
            Issue.record("the lock was given twice")
        } catch {
            #expect(error == .directoryInUse(path: bench.root, holder: "test"))
            #expect(error.exitStatus == 75)
        }
    }

    @Test func `a file is byte for byte what the format says`() async throws {
        let bench = try LogBench()
        let logID = try await bench.withLog { log, _ in
            _ = try await log.append([payload(1), payload(2)])
            _ = try await log.append([payload(30)])
            return log.logID
        }
        let (name, bytes) = try #require(try bench.files().first)
        #expect(name == "00000000000000000001.wal")
        let seed: UInt32 = ReferenceFormat.number(bytes, 40)
        var expected = ReferenceFormat.header(first: 1, logID: logID.bytes, seed: seed)
        var chain: UInt32 = ReferenceFormat.number(expected, 60)
        func add(_ type: UInt8, _ lsn: UInt64, _ promise: UInt64, _ payload: [UInt8]) {
            let frame = ReferenceFormat.frame(
                type: type, lsn: lsn, promise: promise, previous: chain, payload: payload,
                seed: seed)
            expected += frame.bytes
            chain = frame.crc
        }
        add(2, 0, 0, [])
        add(1, 1, 0, payload(1))
        add(1, 2, 0, payload(2))
        add(1, 3, 2, payload(30))
        add(2, 3, 3, [])
        #expect(bytes.count == 4096)
        #expect(Array(bytes.prefix(expected.count)) == expected)
        #expect(bytes.dropFirst(expected.count).allSatisfy { $0 == 0 })
    }

    @Test func `after 50 idle milliseconds a sync frame carries the promise`() async throws {
        let bench = try LogBench()
        try await bench.withLog { log, _ in
            _ = try await log.append([payload(1)])
            await bench.clock.waitForSleeper()
            // The helper is done, so the next sync is the committer's.
            await bench.fileSystem.wait(
                for: .init(operation: "fdatasync", name: "next.tmp"), count: 3)
            let name = try #require(try bench.segmentNames().first)
            #expect(framePlaces(try read(bench.path(name))).map(\.type) == [2, 1])
            bench.fileSystem.forgetCalls()
            bench.clock.advance(by: .milliseconds(50))
            await bench.fileSystem.wait(for: .init(operation: "fdatasync", name: "next.tmp"))
            #expect(framePlaces(try read(bench.path(name))).map(\.type) == [2, 1, 2])
        }
    }

    @Test func `a switch makes the new segment durable before it is named and used`() async throws {
        let bench = try LogBench()
        try await bench.withLog { log, _ in
            await bench.fileSystem.wait(
                for: .init(operation: "fdatasync", name: "next.tmp"), count: 2)
            bench.fileSystem.setAvailable(0)  // the helper makes no further file
            bench.fileSystem.forgetCalls()
            _ = try await log.append([[UInt8](repeating: 1, count: 3000)])
            _ = try await log.append([[UInt8](repeating: 2, count: 3000)])
            let (old, new) = ("00000000000000000001.wal", "00000000000000000002.wal")
            // Files keep the name under which they were opened.
            let calls = bench.fileSystem.calls.map { $0.operation + " " + $0.name }
            #expect(
                calls == [
                    "pwrite next.tmp", "fdatasync next.tmp",  // the first record
                    "pwrite next.tmp", "fdatasync next.tmp",  // the sync frame that ends it
                    "pwrite next.tmp", "fdatasync next.tmp", "rename \(new)", "fsync wal",
                    "pwrite next.tmp", "fdatasync next.tmp",  // the frame that says: followed
                    "pwrite next.tmp", "fdatasync next.tmp",  // the second record
                ])
            let types = framePlaces(try read(bench.path(old))).map(\.type)
            #expect(types == [2, 1, 2, 3])
        }
    }
}
