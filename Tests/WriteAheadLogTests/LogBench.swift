import SystemIO
import TestSupport
import Testing
import WriteAheadLog

/// One state directory in a temporary place, removed at the end, and what opens a log in it.
final class LogBench: Sendable {
    let root: String
    let fileSystem: ScriptedFileSystem
    let clock = ManualClock()
    let state: StateDirectory
    let options: LogOptions

    static let smallSegments: LogOptions = {
        var options = LogOptions()
        options.segmentBytes = 4096
        options.fillStepBytes = 2048
        options.minimumFreeBytes = 0
        return options
    }()

    init(_ options: LogOptions = LogBench.smallSegments, copyOf other: LogBench? = nil) throws {
        root = try makeTemporaryDirectory()
        fileSystem = ScriptedFileSystem()
        self.options = options
        if let other {
            try fileSystem.makeDirectory(root + "/wal")
            for (name, bytes) in try other.files() { try write(bytes, to: root + "/wal/" + name) }
        }
        state = try StateDirectory.lock(root, fileSystem: fileSystem, holder: "test")
    }

    deinit { removeTree(root) }

    /// Opens the log; its committer and helper have queues of their own.
    func open(
        store: StoreMark = StoreMark(logID: nil, appliedLSN: .none)
    ) throws(LogFailure) -> (log: SegmentedLog, report: RecoveryReport) {
        try SegmentedLog.open(
            directory: state, clock: clock, random: SystemRandom(),
            executor: QueueExecutor.blocking("committer"),
            helper: QueueExecutor.blocking("helper"), options: options, store: store)
    }

    /// What is in `wal` but for files in the making, by name.
    func files() throws -> [(name: String, bytes: [UInt8])] {
        try PosixFileSystem().names(in: root + "/wal").sorted()
            .filter { !$0.hasSuffix(".tmp") }
            .map { ($0, try read(root + "/wal/" + $0)) }
    }

    func segmentNames() throws -> [String] {
        try files().map(\.name).filter { $0.hasSuffix(".wal") }
    }

    func tornNames() throws -> [String] {
        try files().map(\.name).filter { $0.hasSuffix(".torn") }
    }

    func path(_ name: String) -> String { root + "/wal/" + name }

    /// Changes a file's bytes in place.
    func edit(_ name: String, _ change: (inout [UInt8]) throws -> Void) throws {
        var bytes = try read(path(name))
        try change(&bytes)
        try write(bytes, to: path(name))
    }
}

extension LogBench {
    /// Opens, hands the log to `body`, closes.
    func withLog<Result>(
        store: StoreMark = StoreMark(logID: nil, appliedLSN: .none),
        _ body: (SegmentedLog, RecoveryReport) async throws -> Result
    ) async throws -> Result {
        let (log, report) = try open(store: store)
        do {
            let result = try await body(log, report)
            await log.close()
            return result
        } catch {
            await log.close()
            throw error
        }
    }

    /// The records of the log, as they are found by opening it.
    func recordsAfterOpening() async throws -> (records: [LogRecord], report: RecoveryReport) {
        try await withLog { log, report in
            (try all(of: log, after: LSN(report.firstLSN.value - 1)), report)
        }
    }

    /// The failure that opening ends in.
    func refusal(
        store: StoreMark = StoreMark(logID: nil, appliedLSN: .none)
    ) async throws -> LogFailure? {
        do throws(LogFailure) {
            let (log, _) = try open(store: store)
            await log.close()
            return nil
        } catch { return error }
    }
}

func all(of log: SegmentedLog, after lsn: LSN = .none) throws -> [LogRecord] {
    var reader = log.reader(after: lsn)
    var records: [LogRecord] = []
    while true {
        let more = try reader.next(maximumRecords: 7, maximumBytes: 1000)
        if more.isEmpty { return records }
        records += more
    }
}

/// A payload that tells which it is, of a length that differs from its neighbours'.
func payload(_ number: Int) -> [UInt8] {
    Array("record \(number) ".utf8) + [UInt8](repeating: UInt8(number & 0xFF), count: number % 23)
}

func lsns(_ range: ClosedRange<UInt64>) -> [LSN] { range.map(LSN.init) }

/// Places of the frames in a segment file, by walking its lengths.
func framePlaces(_ bytes: [UInt8]) -> [(offset: Int, padded: Int, type: UInt8)] {
    var places: [(offset: Int, padded: Int, type: UInt8)] = []
    var offset = 64
    while offset + 32 <= bytes.count {
        let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        if length == 0 { break }
        let padded = (length + 7) / 8 * 8
        places.append((offset, padded, bytes[offset + 4]))
        offset += padded
    }
    return places
}
