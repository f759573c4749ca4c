internal import Synchronization

/// What may change of one queue's intake while it runs; its pollers look each time anew. From any thread.
package final class IntakeSettings: Sendable {
    private struct State {
        var maximumPollers: Int
        var buckets: Set<String>?
        var settlesOthers: Bool
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - buckets: `restrictToBuckets`; nil: every source bucket's events are taken.
    ///   - settlesOthers: `otherEvents: delete`: a queue that never showed an event of ours is taken for ours.
    package init(
        maximumPollers: Int = 8, buckets: Set<String>? = nil, settlesOthers: Bool = false
    ) {
        state = Mutex(
            State(maximumPollers: maximumPollers, buckets: buckets, settlesOthers: settlesOthers))
    }

    /// `settlesOthers` once true stays: what a poller has taken for its own it does not give back.
    package func set(maximumPollers: Int, buckets: Set<String>?, settlesOthers: Bool) {
        state.withLock { state in
            state = State(
                maximumPollers: maximumPollers, buckets: buckets,
                settlesOthers: settlesOthers || state.settlesOthers)
        }
    }

    var maximumPollers: Int { state.withLock { $0.maximumPollers } }
    var buckets: Set<String>? { state.withLock { $0.buckets } }
    var settlesOthers: Bool { state.withLock { $0.settlesOthers } }
}
