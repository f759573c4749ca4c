internal import Synchronization

/// A bell for one sleeper: whoever has work for it rings, and it wakes at once instead of at the end of its sleep.
/// A ring while nobody sleeps is kept for the next sleep.
package final class Wakeup: Sendable {
    private struct State {
        var isRung = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let sleeper = state.withLock { state in
            defer { state.sleeper = nil }
            state.isRung = state.sleeper == nil
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Returns when it is rung, when `duration` is over, or when the task is cancelled.
    package func sleep(atMost duration: Duration, _ clock: any ClockReading) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.untilRung() }
            group.addTask { try? await clock.sleep(for: duration) }
            await group.next()
            group.cancelAll()
        }
    }

    private func untilRung() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRung = state.withLock { state in
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                defer { state.sleeper = nil }
                return state.sleeper
            }
            sleeper?.resume()
        }
    }
}
