internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Logging
internal import Synchronization
internal import SystemIO

/// The enabled replication rules of the configured `buckets`, as S3 has them: shown before anything of theirs has failed.
/// S3 is asked at the start, when the buckets change, and every hour. A bucket that S3 does not speak of keeps what was
/// known of it.
actor ConfiguredRules {
    private static let interval = Duration.seconds(3600)
    private static let retryInterval = Duration.seconds(300)

    private struct State {
        var buckets: [String]
        /// By bucket.
        var rules: [String: [RuleOverview]] = [:]
    }

    private let state: Mutex<State>
    private let callers: [AWSCaller]
    private let clock: any ClockReading
    private let logger: Logger
    private let executor: QueueExecutor
    private let bell = Wakeup()
    private var saidOf: Set<String> = []

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - callers: one for each Region in which a bucket may be; their exchange blocks the executor.
    init(
        buckets: [String], callers: [AWSCaller], clock: any ClockReading, logger: Logger,
        executor: QueueExecutor
    ) {
        state = Mutex(State(buckets: buckets))
        self.callers = callers
        self.clock = clock
        self.logger = logger
        self.executor = executor
    }

    /// Other buckets from now on. From any thread.
    nonisolated func set(buckets: [String]) {
        let isChange = state.withLock { state in
            guard state.buckets != buckets else { return false }
            state.buckets = buckets
            state.rules = state.rules.filter { buckets.contains($0.key) }
            return true
        }
        if isChange { bell.ring() }
    }

    /// What the store knows, and with counts of 0 what it does not; in the order of rules. From any thread.
    nonisolated func adding(to stored: [RuleOverview]) -> [RuleOverview] {
        let known = Set(stored.map(\.rule))
        let quiet = state.withLock { $0.rules.values.flatMap { $0 } }
            .filter { !known.contains($0.rule) }
        return quiet.isEmpty ? stored : (stored + quiet).sorted { $0.rule < $1.rule }
    }

    /// Asks until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            var isComplete = true
            for bucket in state.withLock({ $0.buckets }) where !Task.isCancelled {
                isComplete = await ask(bucket) && isComplete
            }
            await bell.sleep(atMost: isComplete ? Self.interval : Self.retryInterval, clock)
        }
    }

    /// False when no Region's S3 answered for the bucket.
    private func ask(_ bucket: String) async -> Bool {
        var refusal: AWSFailure?
        for caller in callers {
            do throws(AWSFailure) {
                let rules = try await S3Client(caller).bucketReplication(bucket: bucket)
                note(rules, of: bucket, in: caller.region)
                saidOf.remove(bucket)
                return true
            } catch {
                if error.isCancellation { return false }
                refusal = refusal ?? error
            }
        }
        if let refusal, saidOf.insert(bucket).inserted {
            logger.notice(
                "the rules of a configured bucket are not known",
                metadata: ["bucket": "\(bucket)", "problem": "\(refusal)"])
        }
        return false
    }

    private func note(_ rules: [ReplicationRule], of bucket: String, in region: String) {
        let enabled = rules.filter(\.isEnabled).map {
            RuleOverview(quiet: RuleName(sourceBucket: bucket, ruleID: $0.id), region: region)
        }
        state.withLock { state in
            guard state.buckets.contains(bucket) else { return }
            state.rules[bucket] = enabled
        }
    }
}

extension RuleOverview {
    /// Of a rule under which nothing has failed.
    fileprivate init(quiet rule: RuleName, region: String) {
        self.init(
            rule: rule, region: region, counts: [:], openBytes: 0, reasons: [], missedThreshold: 0,
            notTracked: 0)
    }
}
