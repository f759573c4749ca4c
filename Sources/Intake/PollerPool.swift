internal import Synchronization

/// How many pollers one queue has: 1 at first, one more for each receive that comes back full, one less for each that
/// comes back empty.
struct PollerScaling: Equatable {
    let maximum: Int
    private(set) var running = 1

    init(maximum: Int) {
        self.maximum = max(1, maximum)
    }

    /// True when one more is to be started.
    mutating func grow() -> Bool {
        guard running < maximum else { return false }
        running += 1
        return true
    }

    /// True when the one that asks is to end.
    mutating func shrink() -> Bool {
        guard running > 1 else { return false }
        running -= 1
        return true
    }
}

/// The pollers of one queue ask it whether another is wanted, or one less; from any thread.
package final class PollerPool: Sendable {
    /// One element for each poller to start.
    let starts: AsyncStream<Void>
    private let start: AsyncStream<Void>.Continuation
    private let scaling: Mutex<PollerScaling>

    package init(maximum: Int) {
        scaling = Mutex(PollerScaling(maximum: maximum))
        (starts, start) = AsyncStream.makeStream()
        start.yield()
    }

    func receivedFull() {
        if scaling.withLock({ $0.grow() }) { start.yield() }
    }

    /// No more are started.
    func end() { start.finish() }

    /// True when the poller that asks is one too many.
    func receivedNothing() -> Bool {
        scaling.withLock { $0.shrink() }
    }
}
