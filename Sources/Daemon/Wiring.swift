internal import AWSClient
internal import ControlAPI
internal import ControlServer
internal import Domain
internal import FailureStore
internal import Glibc
internal import HTTPTransport
internal import Intake
internal import Logging
internal import Remediation
internal import ServiceLifecycle
internal import SystemIO
internal import Systemd
internal import WriteAheadLog

/// The whole daemon, built bottom-up: used by `run` and by tests.
struct Wiring {
    let configuration: Configuration
    let environment: [String: String]
    let logger: Logger
    let clock: any ClockReading = SystemClock()
    let random: any RandomSource = SystemRandom()

    /// Takes the state directory, recovers the log, opens the store, serves the control socket. Blocks while it reads
    /// the log. The services that it answers run until they are stopped.
    func assemble() async throws -> [any Service] {
        let startedAt = clock.monotonicNanoseconds()
        let access = try await AWSAccess(
            configuration, environment: environment, clock: clock, random: random, logger: logger)
        let roles = try Roles(operatorGroup: configuration.operatorGroup)
        let directory = try StateDirectory.lock(
            configuration.stateDirectory, fileSystem: PosixFileSystem(),
            holder: "pid \(getpid()), s3remedyd \(programVersion)")
        let ballast = Ballast(
            directory: directory.path, fileSystem: directory.fileSystem,
            minimumFreeBytes: Int(configuration.logMinFreeBytes),
            executor: .blocking("s3remedy.ballast"))
        var trouble: String?
        let store = try await giving(ballast, for: &trouble) { try openStore() }
        let (log, report) = try await giving(ballast, for: &trouble) {
            try await openLog(directory, store)
        }
        let flusher = Flusher(
            log: log, store: store, ballast: ballast,
            applied: try await store.mark().appliedLSN, clock: clock,
            executor: .blocking("s3remedy.flusher"), logger: logger)
        if let trouble { flusher.noteBallastGiven(for: trouble) }

        let overview = try await store.overview()
        var parts: [any Service] = [
            FlusherPart(flusher: flusher, log: log), BallastPart(flusher: flusher),
            RetentionPart(retention: Retention(store: store, clock: clock, logger: logger)),
        ]
        let (desk, remediation) = remediation(store, access)
        let pause = IntakePause(until: overview.pausedUntil)
        let intakes = intakes(overview.knownQueues, log, pause, flusher, desk, access)
        parts += intakes.map { IntakePart(intake: $0) }
        parts += remediation

        let stopping = StoppingFlag()
        let status = StatusAssembler(
            store: store, log: log, flusher: flusher, monitors: intakes.map(\.monitor),
            pause: pause, notes: notes(report),
            clock: clock, startedAt: startedAt, stopping: stopping)
        let server = try await serve(
            ControlRoutes(
                store: store, status: status, desk: desk,
                intake: IntakeRoutes(store: store, pause: pause, clock: clock),
                quarantineDesk: QuarantineDesk(store: store, log: log), roles: roles,
                clock: clock, logger: logger))
        return [ControlPart(server: server)] + parts + [
            ReadinessPart(
                notifier: SystemdNotifier(), stopping: stopping,
                sentence: "\(overview.openFailures) open failures, "
                    + "\(report.lastLSN.value - min(report.lastLSN.value, overview.appliedLSN)) "
                    + "log records to apply")
        ]
    }

    /// On a full disk even starting may need the ballast's room; `trouble` is then why.
    private func giving<Part>(
        _ ballast: Ballast, for trouble: inout String?, _ start: () async throws -> Part
    ) async throws -> Part {
        do { return try await start() } catch {
            guard let failure = DaemonFailure(error), failure.isOutOfSpace,
                try await ballast.give() > 0
            else { throw error }
            trouble = failure.description
            return try await start()
        }
    }

    private func openStore() throws -> SQLiteFailureStore {
        var options = StoreOptions()
        options.closedRetention = configuration.closedRetention
        options.quarantineRetention = configuration.quarantineRetention
        options.quarantineMaxBytes = configuration.quarantineMaxBytes
        return try SQLiteFailureStore.open(
            path: configuration.stateDirectory + "/failures.db",
            writer: .blocking("s3remedy.store"), reader: .blocking("s3remedy.store-reader"),
            options: options)
    }

    private func openLog(
        _ directory: StateDirectory, _ store: SQLiteFailureStore
    ) async throws -> (SegmentedLog, RecoveryReport) {
        let mark = try await store.mark()
        var options = LogOptions()
        options.maximumBytes = Int(configuration.logMaxBytes)
        options.minimumFreeBytes = Int(configuration.logMinFreeBytes)
        let (log, report) = try SegmentedLog.open(
            directory: directory, clock: clock, random: random,
            executor: QueueExecutor.blocking("s3remedy.log"),
            helper: QueueExecutor.blocking("s3remedy.log-segments"), options: options,
            store: StoreMark(
                logID: mark.logID.flatMap { LogID(bytes: $0) }, appliedLSN: LSN(mark.appliedLSN)))
        // Before the first append: from then on, store and log refuse any other partner.
        if mark.logID == nil { try await store.adoptLogID(log.logID.bytes) }
        logger.info(
            "log recovered",
            metadata: [
                "last": "\(report.lastLSN)", "applied": "\(mark.appliedLSN)",
                "replay": "\(report.lastLSN.value - min(report.lastLSN.value, mark.appliedLSN))",
                "rewritten": "\(report.rewrittenRecords)",
            ])
        return (log, report)
    }

    /// One for each queue. That failures came through one makes no other ours.
    private func intakes(
        _ known: Set<String>, _ log: SegmentedLog, _ pause: IntakePause,
        _ flusher: Flusher, _ desk: RemediationDesk?, _ access: AWSAccess
    ) -> [QueueIntake] {
        let credits = IntakeCredits(log: log)
        return zip(configuration.queues, access.queueRegions).map { queue, region in
            var intake = QueueIntake(
                queueURL: queue.url,
                isKnown: known.contains(queue.url) || queue.otherEvents == .delete, log: log,
                monitor: QueueMonitor(url: queue.url), credits: credits, pause: pause, clock: clock,
                random: random, logger: logger,
                connect: {
                    let exchange = CurlExchange(options: access.options)
                    let caller = access.caller(region: region, exchange: exchange)
                    return QueueConnection(
                        client: SQSClient(caller, queueURL: queue.url),
                        cancel: { exchange.cancel() })
                })
            intake.recognized = { flusher.recognize(queueURL: queue.url) }
            intake.maximumPollers = queue.maxPollers
            if configuration.restrictToBuckets { intake.buckets = Set(configuration.buckets) }
            if let desk { intake.jobChanged = { desk.lookNow() } }
            return intake
        }
    }

    /// Connections that ask S3 about versions side by side.
    private static let headLanes = 8

    private func remediation(
        _ store: SQLiteFailureStore, _ access: AWSAccess
    ) -> (RemediationDesk?, [any Service]) {
        guard let batch = configuration.batch else { return (nil, []) }
        let exchange = CurlExchange(options: access.options)
        let headExchanges = (0..<Self.headLanes).map { _ in CurlExchange(options: access.options) }
        let lanes = VersionLanes(
            headExchanges.enumerated().map { index, exchange in
                (
                    executor: .blocking("s3remedy.versions-\(index)"),
                    makeCaller: { access.caller(region: $0, exchange: exchange) }
                )
            })
        let settings = RemediationSettings(batch)
        let worker = RemediationWorker(
            store: store, settings: settings, clock: clock, random: random,
            executor: .blocking("s3remedy.remediation"), log: logger, lanes: lanes,
            makeCaller: { access.caller(region: $0, exchange: exchange) })
        let desk = RemediationDesk(
            store: store, settings: settings, lanes: lanes, clock: clock, random: random,
            worker: worker)
        let exchanges = [exchange] + headExchanges
        return (
            desk,
            [RemediationPart(worker: worker, stopCalls: { exchanges.forEach { $0.cancel() } })]
        )
    }

    private func serve(_ routes: ControlRoutes) async throws -> UnixHTTPServer {
        let logger = logger
        let server = UnixHTTPServer(
            routes: routes.routes(), executor: .events("s3remedy.control"),
            problem: { _, code, detail in
                .problem((ProblemCode(rawValue: code) ?? .internalError).problem(detail))
            },
            log: { event in
                if case .library(let message) = event { logger.debug("control socket: \(message)") }
            })
        let inherited = try InheritedSockets().unixStreamListener(named: "control")
        try await server.start(
            inherited.map { .descriptor($0) } ?? .path(configuration.controlSocket))
        return server
    }

    /// What the start has to say, as long as the process lives.
    private func notes(_ report: RecoveryReport) -> [StatusReply.Problem] {
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        var notes: [StatusReply.Problem] = []
        if let tail = report.tornTail {
            notes.append(
                .init(
                    code: "logTailCut",
                    message: "\(tail.bytes) bytes that were never acknowledged were cut from "
                        + "\(tail.file) at offset \(tail.offset) and kept as \(tail.keptAs)",
                    since: now))
        }
        return notes
    }
}

extension RemediationSettings {
    fileprivate init(_ batch: Configuration.Batch) {
        self.init(
            roleARN: batch.roleARN, manifestBucket: batch.manifest.bucket,
            manifestPrefix: batch.manifest.prefix, reportBucket: batch.report.bucket,
            reportPrefix: batch.report.prefix, maximumActiveJobs: batch.maxActiveJobs,
            pollInterval: .milliseconds(batch.pollInterval), maximumObjects: batch.maxObjects)
        switch batch.verify {
        case .all: verification = .all
        case .sample: verification = .sample
        case .none: verification = .none
        }
    }
}
