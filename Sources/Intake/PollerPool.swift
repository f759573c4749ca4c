internal import Synchronization

/// How many pollers one queue has: 1 at first, one more for each receive that comes back full, one less for each that
/// comes back empty, or while there are more than the maximum.
struct PollerScaling: Equatable {
    private(set) var running = 1

    /// True when one more is to be started.
    mutating func grow(maximum: Int) -> Bool {
        guard running < maximum else { return false }
        running += 1
        return true
    }

    /// True when the one that asks is to end.
    mutating func shrink(isIdle: Bool, maximum: Int) -> Bool {
        guard running > 1, isIdle || running > maximum else { return false }
        running -= 1
        return true
    }
}

/// The pollers of one queue ask it whether another is wanted, or one less; from any thread.
package final class PollerPool: Sendable {
    /// One element for each poller to start.
    let starts: AsyncStream<Void>
    private let start: AsyncStream<Void>.Continuation
    private let settings: IntakeSettings
    private let scaling = Mutex(PollerScaling())

    package init(_ settings: IntakeSettings) {
        self.settings = settings
        (starts, start) = AsyncStream.makeStream()
        start.yield()
    }

    func receivedFull() {
        let maximum = settings.maximumPollers
        if scaling.withLock({ $0.grow(maximum: maximum) }) { start.yield() }
    }

    /// No more are started.
    func end() { start.finish() }

    /// True when the poller that asks is one too many: it is idle, or fewer are allowed than before.
    func isOneTooMany(isIdle: Bool) -> Bool {
        let maximum = settings.maximumPollers
        return scaling.withLock { $0.shrink(isIdle: isIdle, maximum: maximum) }
    }
}
