package import AWSClient
internal import Domain
package import FailureStore
package import Logging
internal import Synchronization
package import SystemIO

/// Carries every remediation to its end: one step at a time, each stored before the next effect, so that a restart
/// goes on where it stood.
///
/// Up to the end of its job one remediation per source bucket runs at a time, because a job runs every rule that
/// matches an object. The others wait their turn, oldest first. Verification goes by slices in turn, so that none holds
/// up another, and goes on in the background for what no remediation waits for.
package actor RemediationWorker {
    private static let longestPause = Duration.seconds(3600)

    let store: any FailureStoring
    private let shared: Mutex<RemediationSettings>
    let makeCaller: @Sendable (String) -> AWSCaller
    let lanes: VersionLanes
    let clock: any ClockReading
    private let random: any RandomSource
    private let executor: QueueExecutor
    let log: Logger
    private let bell = Wakeup()
    /// Remediations that have news: nil in it means all of them.
    private let hurried = Mutex<Set<String?>>([])
    var calls: [String: RemediationCalls] = [:]
    var account: String?
    /// When a run is looked at again, in monotonic nanoseconds, and how often in a row it had to wait.
    private var pauses: [String: (until: UInt64, count: Int)] = [:]
    /// Runs whose CreateJob request may have been sent before: S3 is asked first.
    var mayHaveSent: Set<String> = []
    /// How often a job's report was found damaged.
    var damagedReports: [String: Int] = [:]
    private var isFirstRound = true
    private var saidUnreadable: Set<String> = []

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameter makeCaller: the caller for a Region; its exchange blocks this actor's executor.
    package init(
        store: any FailureStoring, settings: RemediationSettings, clock: any ClockReading,
        random: any RandomSource, executor: QueueExecutor, log: Logger, lanes: VersionLanes,
        makeCaller: @escaping @Sendable (String) -> AWSCaller
    ) {
        self.store = store
        shared = Mutex(settings)
        self.makeCaller = makeCaller
        self.lanes = lanes
        self.clock = clock
        self.random = random
        self.executor = executor
        self.log = log
    }

    /// As they are now; from any thread.
    nonisolated var settings: RemediationSettings { shared.withLock { $0 } }

    /// Other bounds for what is done from now on. From any thread.
    package nonisolated func setBounds(
        maximumActiveJobs: Int, pollInterval: Duration, maximumObjects: Int64
    ) {
        shared.withLock { settings in
            settings.maximumActiveJobs = maximumActiveJobs
            settings.pollInterval = pollInterval
            settings.maximumObjects = maximumObjects
        }
        wake()
    }

    /// There is news of a remediation, or of any: it is looked at now. From any thread.
    package nonisolated func wake(_ id: String? = nil) {
        hurried.withLock { _ = $0.insert(id) }
        bell.ring()
    }

    /// Works until the task is cancelled.
    package func run() async throws(StoreFailure) {
        while !Task.isCancelled {
            await bell.sleep(atMost: try await pauseAfterRound(), clock)
        }
    }

    /// A store that takes nothing at present is waited out; what was done will be found done.
    private func pauseAfterRound() async throws(StoreFailure) -> Duration {
        do {
            return try await round()
        } catch {
            guard error.isTransient else { throw error }
            log.warning("the failure store does not answer", metadata: ["problem": "\(error)"])
            return .seconds(5)
        }
    }

    /// One look at every run whose turn it is, and at the background's; how long to sleep after it.
    package func round() async throws(StoreFailure) -> Duration {
        let unfinished = try await store.unfinishedRemediations()
        let runs = unfinished.runs
        for other in unfinished.unreadable where saidUnreadable.insert(other.id).inserted {
            log.error(
                "a stored remediation cannot be read and stands still",
                metadata: ["remediation": "\(other.id)", "problem": "\(other.sentence)"])
        }
        if isFirstRound {
            mayHaveSent = Set(runs.filter { $0.state == .jobRequested }.map(\.id))
            isFirstRound = false
        }
        forgetPauses()
        var busyBuckets: Set<String> = []
        var next = Self.longestPause
        for run in runs where !Task.isCancelled {
            // A job that has ended is in nobody's way. And its versions may wait for the very run that is next: their
            // status is one for all rules.
            if run.holdsBucket, !run.wishes.contains(.cancel) {
                guard busyBuckets.count < settings.maximumActiveJobs,
                    busyBuckets.insert(run.rule.sourceBucket).inserted
                else { continue }
            }
            let left = timeLeft(run.id)
            next = min(next, left > .zero ? left : try await advance(run))
        }
        guard !Task.isCancelled else { return .zero }
        let left = timeLeft(Self.background)
        return min(next, left > .zero ? left : try await verifyInBackground())
    }

    private func forgetPauses() {
        let woken = hurried.withLock { hurried in
            defer { hurried = [] }
            return hurried
        }
        if woken.contains(nil) { pauses = [:] }
        for id in woken { id.map { pauses[$0] = nil } }
    }

    private func timeLeft(_ id: String) -> Duration {
        let now = clock.monotonicNanoseconds()
        guard let pause = pauses[id], pause.until > now else { return .zero }
        return .nanoseconds(Int64(pause.until - now))
    }

    /// Takes a run on until it has to wait, or another has its turn. Returns for how long.
    private func advance(_ start: RemediationRun) async throws(StoreFailure) -> Duration {
        var run = start
        while !run.state.isTerminal, !Task.isCancelled {
            let before = run.state
            do {
                let step = try await self.step(run)
                run = step.run
                if !run.state.isTerminal, run.problem != step.problem {
                    run.problem = step.problem
                    try await save(run)
                }
                if run.state != before {
                    pauses[run.id] = nil
                    log.info(
                        "remediation \(run.state.rawValue)", metadata: ["remediation": "\(run.id)"])
                }
                switch step.next {
                case .goOn: break
                case .yield: return .zero
                case .poll: return wait(run.id, doubling: false)
                case .wait(let pause): return wait(run.id, exactly: pause)
                }
            } catch {
                guard let pause = try await recover(error, &run) else { return .zero }
                return pause
            }
            // What an operator asked for meanwhile is stored beside it.
            run = try await store.remediation(run.id)?.run ?? run
        }
        pauses[run.id] = nil
        return .zero
    }

    /// What a failed step means for the run. Returns for how long to wait; nil when there is nothing to wait for.
    private func recover(
        _ failure: StepFailure, _ run: inout RemediationRun
    ) async throws(StoreFailure) -> Duration? {
        if case .cancelled = failure { return nil }
        // What the step stored before it failed, counts above all, is not in `run`.
        run = try await store.remediation(run.id)?.run ?? run
        switch failure {
        case .cancelled: return nil
        case .refused(let sentence) where run.hasNoJobUnderWay:
            log.error(
                "remediation failed",
                metadata: ["remediation": "\(run.id)", "problem": "\(sentence)"])
            try await fail(&run, sentence)
            return nil
        case .refused(let sentence), .temporary(let sentence):
            if run.state == .jobRequested { mayHaveSent.insert(run.id) }
            if run.problem != sentence {
                log.warning(
                    "remediation waits",
                    metadata: ["remediation": "\(run.id)", "problem": "\(sentence)"])
                run.problem = sentence
                try await store.save(run)
            }
            return wait(run.id, doubling: true)
        }
    }

    /// Gives the selected failures back before the run is stored as failed: a crash in between does both again.
    private func fail(_ run: inout RemediationRun, _ sentence: String) async throws(StoreFailure) {
        try await settleAll(run, .submitted, .leftOut)
        try await releaseAll(run)
        _ = run.apply(.refused(sentence, at: now))
        try await store.save(run)
    }

    /// A poll's length; doubled for each time in a row where asked for, up to an hour. A tenth of jitter keeps runs
    /// from asking at the same time.
    func wait(_ id: String, doubling: Bool) -> Duration {
        // Ordinary polls do not count: after a day of them, one throttled call would cost an hour.
        let count = doubling ? (pauses[id]?.count ?? 0) + 1 : 0
        let pause = min(
            settings.pollInterval * (1 << min(max(0, count - 1), 10)), Self.longestPause)
        let jitter = pause / 10 * Int(random.next() % 1000) / 1000
        return wait(id, exactly: pause + jitter, count: count)
    }

    func wait(_ id: String, exactly pause: Duration, count: Int = 0) -> Duration {
        let bounded = min(max(pause, .milliseconds(1)), Self.longestPause * 2)
        let nanoseconds = UInt64(max(0, bounded / .nanoseconds(1)))
        pauses[id] = (clock.monotonicNanoseconds() + nanoseconds, count)
        return bounded
    }

    /// Under this name the background has its pause.
    static let background = ""

    var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    func save(_ run: RemediationRun) async throws(StepFailure) {
        try await storing { () async throws(StoreFailure) in try await store.save(run) }
    }
}

extension RemediationRun {
    /// Its failures can be given back: no job has them.
    fileprivate var hasNoJobUnderWay: Bool {
        switch state {
        case .planned, .selected, .manifestWritten, .jobRequested, .canaryVerified: true
        case .jobFollowed, .reportRead, .verifying, .finished, .failed, .cancelled: false
        }
    }
}
