import ArgumentParser
import Foundation
import GRDB
import Synchronization
import SystemIO
import WriteAheadLog

/// Writers that append batches, each waiting until its batch is on disk before it goes on.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Appends batches of records, each durable before the next.")

    enum Subject: String, ExpressibleByArgument {
        /// The log as the daemon uses it: each writer on a thread of its own, as a poller is.
        case log
        /// The log, the writers being tasks on Swift's own threads.
        case logtasks
        /// One writer, the bytes of all writers' batches in one write and one sync: no framing, nobody to wait for.
        case raw
        /// SQLite in WAL mode with synchronous=FULL, one transaction per batch.
        case sqlite
    }

    @Argument var subject: Subject
    @OptionGroup var place: BenchDirectory
    @Option var writers = 16
    @Option(help: "Records in a batch.") var batch = 10
    @Option(help: "Bytes in a record.") var bytes = 300
    @Option(help: "How long to append.") var seconds = 2.0

    func run() async throws {
        let payloads = (0..<batch).map { index in
            (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index &* 7) }
        }
        switch subject {
        case .log, .logtasks: try printJSON(try await appendToLog(payloads))
        case .raw: try printJSON(try writeRaw(payloads))
        case .sqlite: try printJSON(try insert(payloads))
        }
    }

    private func appendToLog(_ payloads: [[UInt8]]) async throws -> Measurement.Result {
        let state = try StateDirectory.lock(
            place.directory, fileSystem: PosixFileSystem(), holder: "s3remedy-bench")
        let (log, _) = try openLog(in: state)
        // Half a second for the first file in the making: a daemon has it before its first message.
        try await SystemClock().sleep(for: .milliseconds(500))
        let measurement = Measurement()
        let end = ContinuousClock.now + .seconds(seconds)
        let records = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<writers {
                let own = subject == .log ? QueueExecutor.blocking("writer").tasks : nil
                group.addTask(executorPreference: own) {
                    var records = 0
                    while ContinuousClock.now < end {
                        guard (try? await log.append(payloads)) != nil else { break }
                        records += payloads.count
                    }
                    return records
                }
            }
            return await group.reduce(0, +)
        }
        let result = measurement.result(records: records)
        await log.close()
        return result
    }

    private func writeRaw(_ payloads: [[UInt8]]) throws -> Measurement.Result {
        let group = [UInt8](payloads.joined()).count * writers
        let file = try PosixFileSystem().open(place.directory + "/raw", .create)
        let size = 64 << 20
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for offset in stride(from: 0, to: size, by: zeros.count) {
            try file.write(zeros.span.bytes, at: offset)
        }
        try file.sync()
        let bytes = [UInt8](repeating: 0xA5, count: group)
        let measurement = Measurement()
        let end = ContinuousClock.now + .seconds(seconds)
        var records = 0
        var offset = 0
        while ContinuousClock.now < end {
            if offset + group > size { offset = 0 }
            try file.write(bytes.span.bytes, at: offset)
            try file.syncData()
            offset += group
            records += writers * payloads.count
        }
        return measurement.result(records: records)
    }

    private func insert(_ payloads: [[UInt8]]) throws -> Measurement.Result {
        let queue = try DatabaseQueue(path: place.directory + "/log.db")
        try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                    CREATE TABLE record (lsn INTEGER PRIMARY KEY, payload BLOB NOT NULL)
                    """)
        }
        let blobs = payloads.map { Data($0) }
        let measurement = Measurement()
        let end = ContinuousClock.now + .seconds(seconds)
        let records = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: writers) { _ in
            while ContinuousClock.now < end {
                let inserted: Void? = try? queue.write { db in
                    let statement = try db.cachedStatement(
                        sql: "INSERT INTO record (payload) VALUES (?)")
                    for blob in blobs { try statement.execute(arguments: [blob]) }
                }
                guard inserted != nil else { return }
                records.add(blobs.count, ordering: .relaxed)
            }
        }
        return measurement.result(records: records.load(ordering: .relaxed))
    }
}

/// The log as the daemon opens it, beside a store that has applied nothing.
func openLog(
    in state: StateDirectory
) throws -> (log: SegmentedLog, report: RecoveryReport) {
    try SegmentedLog.open(
        directory: state, clock: SystemClock(), random: SystemRandom(),
        executor: QueueExecutor.blocking("log"), helper: QueueExecutor.blocking("log-segments"),
        options: LogOptions(),
        store: StoreMark(logID: nil, appliedLSN: .none))
}
