internal import Domain
package import FailureStore
package import Logging
package import SystemIO

/// Sees to retention once a minute, whether messages come or not.
package struct Retention: Sendable {
    private static let pause = Duration.seconds(60)
    /// Transactions that retention may take at a time; the flusher waits for each.
    private static let sweepsAtOnce = 10

    private let store: any FailureStoring
    private let clock: any ClockReading
    private let logger: Logger

    package init(store: any FailureStoring, clock: any ClockReading, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// Sweeps until the task is cancelled. Only a damaged store ends it.
    package func run() async throws(StoreFailure) {
        while !Task.isCancelled {
            do throws(StoreFailure) {
                try await sweep(at: Timestamp(milliseconds: clock.wallMilliseconds()))
            } catch {
                if case .damaged = error { throw error }
                logger.warning("retention waits", metadata: ["problem": "\(error)"])
            }
            try? await clock.sleep(for: Self.pause)
        }
    }

    private func sweep(at time: Timestamp) async throws(StoreFailure) {
        for _ in 0..<Self.sweepsAtOnce where !Task.isCancelled {
            if try await store.sweep(at: time).isComplete { return }
        }
    }
}
