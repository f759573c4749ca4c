internal import Synchronization

/// What may change of one queue's intake while it runs; its pollers look each time anew. From any thread.
package final class IntakeSettings: Sendable {
    private struct State {
        var maximumPollers: Int
        var buckets: Set<String>?
    }

    private let state: Mutex<State>

    /// - Parameter buckets: `restrictToBuckets`; nil: every source bucket's events are taken.
    package init(maximumPollers: Int = 8, buckets: Set<String>? = nil) {
        state = Mutex(State(maximumPollers: maximumPollers, buckets: buckets))
    }

    package func set(maximumPollers: Int, buckets: Set<String>?) {
        state.withLock { $0 = State(maximumPollers: maximumPollers, buckets: buckets) }
    }

    var maximumPollers: Int { state.withLock { $0.maximumPollers } }
    var buckets: Set<String>? { state.withLock { $0.buckets } }
}
