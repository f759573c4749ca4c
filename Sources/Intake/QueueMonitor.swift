internal import AWSProtocol
package import Domain
internal import LogRecords
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
    /// Nothing that still waits on the queue was sent before: the end of the last receive that came back empty, or the
    /// oldest message of the last that did not.
    package var backlogSince: Timestamp?
    /// SQS's own figures, as of a minute ago at most.
    package var look: QueueLook?
    package var problem: IntakeProblem?
    /// Since the start.
    package var receives: Int64 = 0
    package var received: Int64 = 0
    package var deleted: Int64 = 0
    package var quarantined: Int64 = 0
    package var foreign: Int64 = 0
    package var replacedTimes: Int64 = 0

    /// No message that waits is older than that; nil when nothing is known to wait.
    package func oldestAgeSeconds(at now: Timestamp) -> Int? {
        guard let backlogSince, let visible = look?.visible, visible > 0 else { return nil }
        return max(0, Int((now.milliseconds - backlogSince.milliseconds) / 1000))
    }
}

/// The one place where a queue's intake says how it stands; read by `status` from any thread.
package final class QueueMonitor: Sendable {
    /// Problems that a receive that works says nothing of.
    private static let lastingProblems: Set<String> = ["queueNotOurs", "deleteFailed"]
    private static let lookInterval: UInt64 = 30_000_000_000

    private let state: Mutex<(snapshot: QueueSnapshot, lookedAt: UInt64?)>

    package init(url: String) {
        state = Mutex((QueueSnapshot(url: url), nil))
    }

    package var snapshot: QueueSnapshot { state.withLock { $0.snapshot } }

    func update(_ change: (inout QueueSnapshot) -> Void) {
        state.withLock { change(&$0.snapshot) }
    }

    /// Shows a trouble; the same one again keeps its beginning. True when it is another than before.
    @discardableResult
    func report(
        _ code: String, _ sentence: String, at now: Timestamp, state: QueueSnapshot.State? = nil
    ) -> Bool {
        self.state.withLock { shared in
            if let state { shared.snapshot.state = state }
            let since = shared.snapshot.problem?.code == code ? shared.snapshot.problem?.since : nil
            shared.snapshot.problem = IntakeProblem(
                code: code, sentence: sentence, since: since ?? now)
            return since == nil
        }
    }

    func noteReceive(_ messages: [ReceivedMessage], at now: Timestamp) {
        let oldest = messages.lazy.compactMap(\.sentAt).min()
        update { snapshot in
            snapshot.state = .receiving
            if !Self.lastingProblems.contains(snapshot.problem?.code ?? "") {
                snapshot.problem = nil
            }
            snapshot.lastReceiveAt = now
            snapshot.receives += 1
            snapshot.received += Int64(messages.count)
            if !messages.isEmpty { snapshot.lastMessageAt = now }
            snapshot.backlogSince = messages.isEmpty ? now : oldest ?? snapshot.backlogSince
        }
    }

    func note(_ batch: [SortedMessage], _ settlement: QueueOwnership.Settlement) {
        let tested = batch.lazy.compactMap(\.testedAt).max()
        let isOurs = batch.contains(where: \.isOurs)
        let foreign = batch.reduce(0) { $0 + $1.foreignEvents.count }
        let replaced = batch.reduce(0) { $0 + $1.replacedTimes }
        let quarantined = settlement.payloads.count {
            if case .quarantined = $0 { true } else { false }
        }
        update { snapshot in
            snapshot.foreign += Int64(foreign)
            snapshot.replacedTimes += Int64(replaced)
            snapshot.quarantined += Int64(quarantined)
            snapshot.lastTestEventAt = [snapshot.lastTestEventAt, tested].compactMap { $0 }.max()
            if isOurs, snapshot.problem?.code == "queueNotOurs" { snapshot.problem = nil }
        }
    }

    func noteDeleted(_ count: Int) {
        update { snapshot in
            snapshot.deleted += Int64(count)
            if snapshot.problem?.code == "deleteFailed" { snapshot.problem = nil }
        }
    }

    func notePause() {
        update { snapshot in
            snapshot.state = .paused
            if !Self.lastingProblems.contains(snapshot.problem?.code ?? "") {
                snapshot.problem = nil
            }
        }
    }

    func noteOurs() {
        update { if $0.problem?.code == "queueNotOurs" { $0.problem = nil } }
    }

    /// - Parameter held: how many messages are held; nil once the receiving has ended.
    func noteNotOurs(seen: String, held: Int?, at now: Timestamp) {
        let url = snapshot.url
        let what =
            held.map { "\($0) of \(QueueOwnership.limit) are held" }
            ?? "nothing is received from it any more and its messages were released"
        report(
            "queueNotOurs",
            "\(url) has shown no replication event and no s3:TestEvent yet, but \(seen): \(what). "
                + "Give replication events a queue of their own; or set otherEvents: delete for this "
                + "queue and reload, which deletes what is not ours", at: now,
            state: held == nil ? .stopped : nil)
    }

    /// True when SQS's figures are due; the caller fetches them.
    func isLookDue(at now: UInt64) -> Bool {
        state.withLock { shared in
            if let lookedAt = shared.lookedAt, now - lookedAt < Self.lookInterval { return false }
            shared.lookedAt = now
            return true
        }
    }
}
