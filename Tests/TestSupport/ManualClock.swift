internal import Synchronization
internal import SystemIO

/// Time stands still until it is told to go on.
package final class ManualClock: ClockReading {
    private struct State {
        var now: UInt64 = 0
        var nextID = 0
        var cancelled: Set<Int> = []
        var sleepers: [Int: (until: UInt64, continuation: CheckedContinuation<Void, any Error>)] =
            [:]
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func wallMilliseconds() -> Int64 { Int64(monotonicNanoseconds() / 1_000_000) }

    package func monotonicNanoseconds() -> UInt64 { state.withLock { $0.now } }

    package nonisolated(nonsending) func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (isCancelled, watchers) = state.withLock { state in
                    if state.cancelled.contains(id) { return (true, state.watchers) }
                    let nanoseconds =
                        duration.components.seconds * 1_000_000_000
                        + duration.components.attoseconds / 1_000_000_000
                    state.sleepers[id] = (state.now + UInt64(nanoseconds), continuation)
                    defer { state.watchers = [] }
                    return (false, state.watchers)
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
                for watcher in watchers { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.cancelled.insert(id)
                return state.sleepers.removeValue(forKey: id)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Returns once somebody sleeps.
    package func waitForSleeper() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if !state.sleepers.isEmpty { return true }
                state.watchers.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    package func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now += UInt64(duration / .nanoseconds(1))
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }
}
