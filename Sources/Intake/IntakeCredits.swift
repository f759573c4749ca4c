internal import Synchronization
package import WriteAheadLog

/// Bounds what all pollers together have in flight by the room that the log has left: each receive takes a credit
/// for the most that it may bring, so that a log near its limit is never handed more than it can keep.
package final class IntakeCredits: Sendable {
    /// Ten messages of 1 MiB, SQS's limit since January 2026, and their frames.
    static let bytesPerReceive = 10 * (1_048_576 + 8192)

    private let log: SegmentedLog
    private let receives = Mutex(0)

    package init(log: SegmentedLog) {
        self.log = log
    }

    /// True: receive, and give the credit back once the messages are on disk. One receive is always allowed while the
    /// log makes segments.
    func take() -> Bool {
        let room = log.status.room
        return receives.withLock { receives in
            guard receives == 0 || (receives + 1) * Self.bytesPerReceive <= room else {
                return false
            }
            receives += 1
            return true
        }
    }

    func giveBack() {
        receives.withLock { $0 -= 1 }
    }
}
