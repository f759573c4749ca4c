package import Domain
internal import Synchronization

/// Whether an operator paused the intake, and until when. It ends by itself: messages wait on the queue only for as long
/// as its retention. Every poller has its bell here, which ends a receive that is under way.
package final class IntakePause: Sendable {
    private struct State {
        var until: Timestamp?
        var bells: [Int: @Sendable () -> Void] = [:]
        var nextBell = 0
    }

    private let state: Mutex<State>

    /// - Parameter until: what the store remembers.
    package init(until: Timestamp?) {
        state = Mutex(State(until: until))
    }

    /// When the pause ends; nil when there is none at `now`.
    package func until(at now: Timestamp) -> Timestamp? {
        state.withLock { $0.until.flatMap { $0 > now ? $0 : nil } }
    }

    /// Nil ends the pause. The store must have remembered it before.
    package func set(until: Timestamp?) {
        state.withLock { $0.until = until }
        ring()
    }

    /// Calls every poller off from what it waits for: something it looks at has changed.
    package func ring() {
        for ring in state.withLock({ Array($0.bells.values) }) { ring() }
    }

    func addBell(_ ring: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.nextBell += 1
            state.bells[state.nextBell] = ring
            return state.nextBell
        }
    }

    func removeBell(_ number: Int) {
        state.withLock { $0.bells[number] = nil }
    }
}
