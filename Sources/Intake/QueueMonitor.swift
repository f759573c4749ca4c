package import Domain
internal import Synchronization

/// A trouble outside, as `status` shows it.
package struct IntakeProblem: Equatable, Sendable {
    /// Stable, for scripts.
    package var code: String
    package var sentence: String
    package var since: Timestamp
}

/// How a queue's intake stands.
package struct QueueSnapshot: Sendable {
    package enum State: String, Sendable {
        case starting, receiving, backingOff, paused, stopped
    }

    package var url: String
    package var state = State.starting
    package var pollers = 0
    package var lastReceiveAt: Timestamp?
    package var lastMessageAt: Timestamp?
    package var lastTestEventAt: Timestamp?
    /// SQS's ApproximateNumberOfMessages and ApproximateNumberOfMessagesNotVisible.
    package var visible: Int?
    package var inFlight: Int?
    package var retentionSeconds: Int?
    package var problem: IntakeProblem?
    /// Since the start.
    package var received: Int64 = 0
    package var deleted: Int64 = 0
    package var quarantined: Int64 = 0
    package var foreign: Int64 = 0
    package var replacedTimes: Int64 = 0
}

/// The one place where a queue's intake says how it stands; read by `status` from any thread.
package final class QueueMonitor: Sendable {
    private let state: Mutex<QueueSnapshot>

    package init(url: String) {
        state = Mutex(QueueSnapshot(url: url))
    }

    package var snapshot: QueueSnapshot { state.withLock { $0 } }

    func update(_ change: (inout QueueSnapshot) -> Void) {
        state.withLock { change(&$0) }
    }

    /// Shows a trouble; the same one again keeps its beginning.
    func report(_ code: String, _ sentence: String, at now: Timestamp) {
        state.withLock { snapshot in
            snapshot.state = .backingOff
            let since = snapshot.problem?.code == code ? snapshot.problem?.since : nil
            snapshot.problem = IntakeProblem(code: code, sentence: sentence, since: since ?? now)
        }
    }
}
