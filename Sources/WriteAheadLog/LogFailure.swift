package import SystemIO

/// Why the log refuses. Every description names file, offset and LSN where there are such, and the command to run.
package enum LogFailure: Error, Equatable, Sendable {
    /// Another process holds the state directory; `holder` is what it wrote into the lock file.
    case directoryInUse(path: String, holder: String)
    case ioFailed(FileFailure)
    case damaged(LogDamage)
    /// A segment of a version that this program does not know.
    case newerFormat(file: String, version: UInt32)
    /// Log and store are not a pair, or the log is not whole.
    case doesNotBelong(LogMismatch, directory: String)
    /// An append without records, or with a record without bytes.
    case emptyAppend
    case recordTooLarge(bytes: Int, limit: Int)
    /// The log was closed before the append was durable; it may or may not be found after the next start.
    case closed
}

/// A frame or header that was promised and cannot be read.
package struct LogDamage: Equatable, Sendable {
    /// Path of the segment.
    package let file: String
    package let offset: Int
    /// The LSN that stood there, or the segment's first for a damaged header.
    package let lsn: LSN
    /// What is wrong, and how it is known that the record was promised.
    package let finding: String
    /// The state directory, for the command.
    package let directory: String
}

/// Why log and store do not belong together.
package enum LogMismatch: Equatable, Sendable {
    case otherLogID(log: LogID, store: LogID)
    /// The store knows a log and there is none.
    case logMissing(store: LogID)
    /// The store has applied records but remembers no log.
    case storeWithoutLogID(applied: LSN)
    case logEndsBeforeStore(last: LSN, applied: LSN)
    case logStartsAfterStore(first: LSN, applied: LSN)
    case gapBetweenSegments(after: LSN, next: LSN, file: String)
    /// The segment `file` says that another one follows, and it is the last.
    case newestSegmentMissing(after: LSN, file: String)
    case segmentOfOtherLog(file: String, log: LogID, segment: LogID)
}

extension LogFailure {
    /// The daemon's exit status when this ends it (design section 11); nil for what is wrong with one append only.
    package var exitStatus: Int32? {
        switch self {
        case .directoryInUse: 75
        case .ioFailed: 1
        case .damaged, .newerFormat, .doesNotBelong: 78
        case .emptyAppend, .recordTooLarge, .closed: nil
        }
    }
}

extension LogFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .directoryInUse(let path, let holder):
            "another process holds \(path) (\(holder)): stop it, or use another state.directory"
        case .ioFailed(let failure):
            "the log failed: \(failure)"
        case .damaged(let damage):
            "the log is damaged: \(damage.file) offset \(damage.offset), LSN \(damage.lsn): "
                + "\(damage.finding); run: s3remedyd wal salvage \(damage.directory)"
        case .newerFormat(let file, let version):
            "\(file) has log format version \(version) and this program knows 1: run the newer s3remedyd"
        case .doesNotBelong(let mismatch, let directory):
            "\(mismatch); to accept it run: s3remedyd wal adopt \(directory)"
        case .emptyAppend:
            "an append needs at least one record, and a record at least one byte"
        case .recordTooLarge(let bytes, let limit):
            "a record of \(bytes) bytes is greater than the limit of \(limit)"
        case .closed:
            "the log is closed"
        }
    }
}

extension LogMismatch: CustomStringConvertible {
    package var description: String {
        switch self {
        case .otherLogID(let log, let store):
            "the log has ID \(log) and the store was fed by log \(store)"
        case .logMissing(let store):
            "there is no log and the store was fed by log \(store)"
        case .storeWithoutLogID(let applied):
            "the store has applied LSN \(applied) and remembers no log ID"
        case .logEndsBeforeStore(let last, let applied):
            "the log ends at LSN \(last) and the store has applied LSN \(applied)"
        case .logStartsAfterStore(let first, let applied):
            "the log starts at LSN \(first) and the store has applied LSN \(applied): "
                + "records between are missing"
        case .gapBetweenSegments(let after, let next, let file):
            "no log segment holds the records after LSN \(after) and before LSN \(next), where \(file) starts"
        case .newestSegmentMissing(let after, let file):
            "the log segment with the records after LSN \(after) is missing: \(file) says that it followed"
        case .segmentOfOtherLog(let file, let log, let segment):
            "\(file) belongs to log \(segment) and the segments before it to log \(log)"
        }
    }
}
