import SystemIO
import Testing
import WriteAheadLog

struct ReaderTests {
    @Test func `a reader follows appends over many segments and misses nothing`() async throws {
        let bench = try LogBench()
        let total = 600
        try await bench.withLog { log, _ in
            async let seen: [LogRecord] = {
                var reader = log.reader(after: .none)
                var seen: [LogRecord] = []
                while seen.count < total, await log.waitForRecords(after: reader.position) {
                    let more = try reader.next(maximumRecords: 13, maximumBytes: 400)
                    #expect(!more.isEmpty && more.count <= 13)
                    seen += more
                }
                return seen
            }()
            for start in stride(from: 1, to: total, by: 5) {
                _ = try await log.append((start..<start + 5).map(payload))
            }
            let records = try await seen
            #expect(records.map(\.lsn) == lsns(1...UInt64(total)))
            #expect(records.map(\.payload) == (1...total).map(payload))
            #expect(log.status.segments > 5)
        }
    }

    @Test func `a reader starts anywhere and stops at its limits`() async throws {
        let bench = try LogBench()
        try await bench.withLog { log, _ in
            _ = try await log.append((1...200).map(payload))
            for start in [0, 1, 57, 199] as [UInt64] {
                #expect(try all(of: log, after: LSN(start)).map(\.lsn) == lsns(start + 1...200))
            }
            var reader = log.reader(after: LSN(10))
            #expect(
                try reader.next(maximumRecords: 3, maximumBytes: 1 << 20).map(\.lsn)
                    == lsns(11...13))
            #expect(try reader.next(maximumRecords: 9, maximumBytes: 1).map(\.lsn) == [LSN(14)])
            #expect(reader.position == LSN(14))
            var atEnd = log.reader(after: LSN(200))
            #expect(try atEnd.next(maximumRecords: 9, maximumBytes: 99).isEmpty)
        }
    }

    @Test func `a reader meets damage with file and offset`() async throws {
        let bench = try LogBench()
        try await bench.withLog { log, _ in
            _ = try await log.append((1...5).map(payload))
            let name = try bench.segmentNames()[0]
            let place = framePlaces(try read(bench.path(name)))[3]
            try bench.edit(name) { $0[place.offset + 34] ^= 1 }
            var reader = log.reader(after: .none)
            let failure = #expect(throws: LogFailure.self) {
                try reader.next(maximumRecords: 9, maximumBytes: 9999)
            }
            guard case .damaged(let damage) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(damage.offset == place.offset && damage.lsn == LSN(3))
        }
    }

    @Test func `segments go oldest first, only when applied, and the newest stays`() async throws {
        let bench = try LogBench()
        let logID = try await bench.withLog { log, _ in
            for number in 1...12 {
                _ = try await log.append([[UInt8](repeating: UInt8(number), count: 1100)])
            }
            let names = try bench.segmentNames()
            #expect(names.count == 4)  // 3 records each
            let bytes = log.status.bytes
            try await log.removeSegments(appliedThrough: LSN(2))
            #expect(try bench.segmentNames() == names)
            bench.fileSystem.forgetCalls()
            try await log.removeSegments(appliedThrough: LSN(6))
            #expect(try bench.segmentNames() == Array(names[2...]))
            let calls = bench.fileSystem.calls.map { $0.operation + " " + $0.name }
                .filter { $0.hasPrefix("unlink 0") || $0 == "fsync wal" }
            #expect(
                calls == ["unlink \(names[0])", "fsync wal", "unlink \(names[1])", "fsync wal"])
            #expect(log.status.bytes < bytes)
            #expect(try all(of: log, after: LSN(6)).map(\.lsn) == lsns(7...12))
            var late = log.reader(after: LSN(3))
            #expect(throws: LogFailure.self) {
                try late.next(maximumRecords: 1, maximumBytes: 1)
            }
            try await log.removeSegments(appliedThrough: LSN(999))
            #expect(try bench.segmentNames() == [names[3]])
            return log.logID
        }
        let mark = StoreMark(logID: logID, appliedLSN: LSN(12))
        try await bench.withLog(store: mark) { log, report in
            #expect(report.firstLSN == LSN(10))
            let last = try await log.append([[1]])
            #expect(last == LSN(13))
        }
    }
}
