package import AWSProtocol
internal import HTTPTransport
internal import Synchronization
package import SystemIO

/// Fetches credentials; called by one task at a time.
package protocol CredentialFetching: Sendable {
    nonisolated(nonsending) func fetch() async throws(AWSFailure) -> FetchedCredentials
}

/// What a fetch brought.
package struct FetchedCredentials: Sendable {
    package var dated: DatedCredentials
    /// Used beyond their expiration when they cannot be renewed.
    package var outlivesExpiration: Bool
    /// For the journal: `role arn:… by way of the environment`.
    package var place: String

    package init(dated: DatedCredentials, outlivesExpiration: Bool, place: String) {
        self.dated = dated
        self.outlivesExpiration = outlivesExpiration
        self.place = place
    }
}

/// What happened to the credentials, for the journal. No secret is in it.
package enum CredentialEvent: Sendable, CustomStringConvertible {
    case renewed(AWSCredentials, place: String)
    case notRenewed(AWSFailure)
    /// They are over by their expiration and used all the same.
    case extended(AWSCredentials)

    package var description: String {
        switch self {
        case .renewed(let credentials, let place):
            "\(credentials) from \(place)"
                + (credentials.expiration.map { ", until \($0)" } ?? "")
        case .notRenewed(let failure): "cannot renew the AWS credentials: \(failure)"
        case .extended(let credentials):
            "\(credentials) are at their end and cannot be renewed yet: they are used on, as AWS accepts them"
        }
    }
}

/// The credentials of the whole process: kept, renewed ahead of their end, and by one fetch at a time whatever the
/// number of callers. Fetches run on an executor that they may block; a caller is held up only while there is nothing
/// to sign with.
package final class SharedCredentials: CredentialsProviding {
    private struct State {
        var life = CredentialLife()
        var isFetching = false
        var waiters: [UInt64: CheckedContinuation<Result<AWSCredentials, AWSFailure>, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let fetcher: any CredentialFetching
    private let clock: any ClockReading
    private let random: any RandomSource
    private let executor: any WorkExecutor
    private let report: @Sendable (CredentialEvent) -> Void
    private let state = Mutex(State())

    /// - Parameter report: called on the executor.
    package init(
        fetcher: any CredentialFetching, clock: any ClockReading, random: any RandomSource,
        executor: any WorkExecutor, report: @escaping @Sendable (CredentialEvent) -> Void
    ) {
        self.fetcher = fetcher
        self.clock = clock
        self.random = random
        self.executor = executor
        self.report = report
    }

    package nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
        let advice = state.withLock { state in
            let advice = state.life.advice(at: now)
            if case .useAndRenew = advice { startFetch(&state) }
            return advice
        }
        switch advice {
        case .use(let credentials), .useAndRenew(let credentials): return credentials
        case .fail(let failure): throw failure
        case .renewFirst: return try await renewal()
        }
    }

    package nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async {
        state.withLock { $0.life.rejected(credentials, at: now) }
    }

    /// Waits for the fetch that runs, or begins one; a cancelled task does not wait.
    private nonisolated(nonsending) func renewal() async throws(AWSFailure) -> AWSCredentials {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let stopped = AWSFailure.http(operation: "credentials", .cancelled)
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let early: Result<AWSCredentials, AWSFailure>? = state.withLock { state in
                    // A fetch may have ended since the advice.
                    if case .use(let credentials) = state.life.advice(at: now) {
                        return .success(credentials)
                    }
                    // Under the lock: the handler below finds the waiter, or this finds the cancellation.
                    if Task.isCancelled { return .failure(stopped) }
                    state.waiters[number] = continuation
                    startFetch(&state)
                    return nil
                }
                if let early { continuation.resume(returning: early) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?
                .resume(returning: .failure(stopped))
        }.get()
    }

    private func startFetch(_ state: inout State) {
        guard !state.isFetching else { return }
        state.isFetching = true
        Task(executorPreference: executor.tasks) { await self.fetch() }
    }

    private nonisolated(nonsending) func fetch() async {
        let result: Result<FetchedCredentials, AWSFailure>
        do throws(AWSFailure) {
            result = .success(try await fetcher.fetch())
        } catch {
            result = .failure(error)
        }
        let (waiters, outcome, event) = state.withLock { state in
            let event = learn(result, &state.life)
            state.isFetching = false
            defer { state.waiters = [:] }
            return (state.waiters.values, state.life.outcome(at: now), event)
        }
        report(event)
        for waiter in waiters { waiter.resume(returning: outcome) }
    }

    private func learn(
        _ result: Result<FetchedCredentials, AWSFailure>, _ life: inout CredentialLife
    ) -> CredentialEvent {
        let jitter = Double(random.next() >> 11) / Double(UInt64(1) << 53)
        switch result {
        case .success(let fetched):
            let credentials = fetched.dated.credentials
            let isExtended = life.renewed(
                credentials, lifetime: fetched.dated.lifetime(now: clock.wallMilliseconds()),
                outlivesEnd: fetched.outlivesExpiration, at: now, jitter: jitter)
            return isExtended
                ? .extended(credentials) : .renewed(credentials, place: fetched.place)
        case .failure(let failure):
            let isExtended = life.failed(failure, at: now, jitter: jitter)
            if isExtended, case .success(let credentials) = life.outcome(at: now) {
                return .extended(credentials)
            }
            return .notRenewed(failure)
        }
    }

    private var now: Int64 { Int64(clock.monotonicNanoseconds() / 1_000_000) }
}
