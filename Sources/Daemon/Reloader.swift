internal import FailureStore
internal import Intake
internal import Logging
internal import Remediation
internal import SystemIO
internal import WriteAheadLog

/// The running parts that take over a changed configuration.
struct LiveParts: Sendable {
    let logging: LogSettings
    let roles: Roles
    let log: SegmentedLog
    let ballast: Ballast
    let store: SQLiteFailureStore
    let intakes: [QueueIntake]
    /// Holds every poller's bell.
    let pause: IntakePause
    let worker: RemediationWorker?
    let configured: ConfiguredRules

    func take(
        _ configuration: Configuration, operatorGroup: UInt32?, wakesPollers: Bool
    ) async {
        logging.set(level: configuration.logLevel, keys: configuration.keyLogging)
        roles.set(operatorGroup: operatorGroup)
        for queue in configuration.queues {
            intakes.first { $0.queueURL == queue.url }?.settings.set(
                maximumPollers: queue.maxPollers, buckets: configuration.wantedBuckets,
                settlesOthers: queue.otherEvents == .delete)
        }
        configured.set(buckets: configuration.buckets)
        if wakesPollers { pause.ring() }
        if let batch = configuration.batch {
            worker?.setBounds(
                maximumActiveJobs: batch.maxActiveJobs,
                pollInterval: .milliseconds(batch.pollInterval), maximumObjects: batch.maxObjects)
        }
        log.setLimits(
            maximumBytes: Int(configuration.logMaxBytes),
            minimumFreeBytes: Int(configuration.logMinFreeBytes))
        await ballast.keepFree(Int(configuration.logMinFreeBytes))
        await store.keep(
            closed: configuration.closedRetention, quarantine: configuration.quarantineRetention,
            quarantineMaxBytes: configuration.quarantineMaxBytes)
    }
}

extension Configuration {
    /// Nil: every source bucket's events are taken.
    var wantedBuckets: Set<String>? { restrictToBuckets ? Set(buckets) : nil }
}

/// Reads the configuration file anew and gives the running parts what they can take over. One reload at a time.
actor Reloader {
    let file: String
    private var running: Configuration
    private let environment: [String: String]
    private let parts: LiveParts
    private let logger: Logger
    private let executor: QueueExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameter executor: blocks, in reads of files and questions to the instance's metadata.
    init(
        file: String, running: Configuration, environment: [String: String], parts: LiveParts,
        logger: Logger, executor: QueueExecutor
    ) {
        self.file = file
        self.running = running
        self.environment = environment
        self.parts = parts
        self.logger = logger
        self.executor = executor
    }

    /// What differs from the running configuration, whether it is in effect by now or waits for a restart. With an
    /// error nothing has changed.
    func reload() async throws(ConfigurationError) -> [ConfigurationChange] {
        do {
            let changes = try await change()
            logger.notice(
                "configuration reloaded",
                metadata: [
                    "now": "\(keys(changes, appliesNow: true))",
                    "restart": "\(keys(changes, appliesNow: false))",
                ])
            return changes
        } catch {
            logger.error("configuration not reloaded", metadata: ["problem": "\(error)"])
            throw error
        }
    }

    private func keys(_ changes: [ConfigurationChange], appliesNow: Bool) -> String {
        let keys = changes.filter { $0.appliesNow == appliesNow }.map(\.key)
        return keys.isEmpty ? "nothing" : keys.joined(separator: ",")
    }

    private func change() async throws(ConfigurationError) -> [ConfigurationChange] {
        let new = try Configuration.read(file: file)
        let operatorGroup = try await checkSurroundings(of: new, environment: environment)
        for notice in new.notices { logger.notice("\(notice)") }
        let changes = running.changes(to: new)
        running = running.adopting(new)
        // A poller of a queue that is not ours sleeps for a minute.
        let wakesPollers = changes.contains { $0.appliesNow && $0.key.hasSuffix(".otherEvents") }
        await parts.take(
            running, operatorGroup: operatorGroup, wakesPollers: wakesPollers)
        return changes
    }
}
