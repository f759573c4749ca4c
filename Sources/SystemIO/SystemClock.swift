internal import Dispatch
internal import Glibc
internal import Synchronization

/// The operating system's clocks and Dispatch's timers.
package struct SystemClock: ClockReading {
    package init() {}

    package func wallMilliseconds() -> Int64 {
        let now = read(CLOCK_REALTIME)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    package func monotonicNanoseconds() -> UInt64 {
        let now = read(CLOCK_MONOTONIC)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    package nonisolated(nonsending) func sleep(for duration: Duration) async throws {
        let timer = PendingTimer()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                timer.start(continuation, duration)
            }
        } onCancel: {
            timer.finish(.failure(CancellationError()))
        }
    }

    private func read(_ clock: clockid_t) -> timespec {
        var now = timespec()
        clock_gettime(clock, &now)
        return now
    }
}

/// One sleep: whichever of the timer and the cancellation comes first resumes the sleeper, once.
private final class PendingTimer: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Void, any Error>)
        case finished(Result<Void, any Error>)
    }

    private let state = Mutex(State.idle)

    func start(_ continuation: CheckedContinuation<Void, any Error>, _ duration: Duration) {
        let early: Result<Void, any Error>? = state.withLock { state in
            if case .finished(let result) = state { return result }
            state = .waiting(continuation)
            return nil
        }
        if let early {
            continuation.resume(with: early)
            return
        }
        let nanoseconds = duration.components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let interval =
            nanoseconds.overflow
            ? Int.max
            : Int(nanoseconds.partialValue + duration.components.attoseconds / 1_000_000_000)
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(max(0, interval))) {
            self.finish(.success(()))
        }
    }

    func finish(_ result: Result<Void, any Error>) {
        let continuation: CheckedContinuation<Void, any Error>? = state.withLock { state in
            defer { if case .finished = state {} else { state = .finished(result) } }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume(with: result)
    }
}
