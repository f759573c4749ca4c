package import SystemIO

/// Sizes and times of a log. The defaults are the daemon's; tests take smaller segments.
package struct LogOptions: Sendable {
    /// Size of a segment file, at least 4 KiB.
    package var segmentBytes = 64 << 20
    /// Segments, the one in the making and torn tails together; beyond it the log pauses. At least two segments.
    package var maximumBytes = 8 << 30
    /// What must stay free on the file system after a segment is made; else the log pauses.
    package var minimumFreeBytes = 1 << 30
    /// The next segment is filled with zeros in steps of this size, each made durable.
    package var fillStepBytes = 1 << 20
    /// After this time without a commit a sync frame carries the promise.
    package var idleBeforePromise = Duration.milliseconds(50)
    /// While paused the log looks for room again after this time.
    package var retryInterval = Duration.seconds(1)
    /// How many torn tails are kept.
    package var keptTornTails = 3

    package init() {}

    /// The greatest payload of one record.
    package var maximumPayloadBytes: Int {
        min(
            FrameHeader.maximumPayloadBytes,
            segmentBytes - SegmentHeader.byteCount - 3 * FrameHeader.byteCount)
    }
}

/// The log as it stands now.
package struct LogStatus: Sendable {
    /// The last record given to the disk.
    package var appendedLSN: LSN
    /// All up to here is on disk.
    package var syncedLSN: LSN
    /// Segments, the one in the making and torn tails.
    package var bytes: Int
    package var segments: Int
    /// Payloads of about so many bytes find room before the log pauses.
    package var room: Int
    /// Why no new segment can be made at present; appends wait once the newest is full.
    package var paused: PauseReason?
    /// Set once and for ever: the log takes nothing more.
    package var failure: LogFailure?
}

/// Why no new segment can be made. The log goes on by itself when there is room.
package enum PauseReason: Sendable, Equatable {
    case maximumBytes(limit: Int, inUse: Int)
    case minimumFreeBytes(limit: Int, available: Int)
    case outOfSpace(FileFailure)
}

extension PauseReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .maximumBytes(let limit, let inUse):
            "the log holds \(inUse) bytes and wal.maxBytes is \(limit): waiting for the store to apply "
                + "records, or raise wal.maxBytes"
        case .minimumFreeBytes(let limit, let available):
            "\(available) bytes are free where the log is and wal.minFreeBytes is \(limit): "
                + "free space, or lower wal.minFreeBytes"
        case .outOfSpace(let failure):
            "no room for a new log segment: \(failure); free space"
        }
    }
}

/// What recovery found and did.
package struct RecoveryReport: Sendable {
    /// No log was there; a new one was started.
    package var isNew = false
    /// The first record that the log holds, or would hold.
    package var firstLSN = LSN(1)
    /// The last record that the log holds.
    package var lastLSN = LSN.none
    /// Valid records above the last promise, rewritten into a new segment.
    package var rewrittenRecords = 0
    /// What was cut because it was never acknowledged.
    package var tornTail: TornTail?
    /// Segments whose end an interrupted recovery had left behind, cut now.
    package var cutOverlaps: [String] = []
}

/// Bytes that were cut from the log's end: never acknowledged, so nothing promised is lost.
package struct TornTail: Sendable, Equatable {
    /// Path of the segment.
    package let file: String
    /// Where in it the bad frame stood.
    package let offset: Int
    /// The LSN that the bad frame would have had.
    package let lsn: LSN
    package let bytes: Int
    /// Path of the copy.
    package let keptAs: String
}
