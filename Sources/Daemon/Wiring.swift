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
internal import UnixSignals
internal import WriteAheadLog

/// The whole daemon, built bottom-up: used by `run` and by tests.
struct Wiring {
    /// Read anew by a reload.
    let file: String
    let configuration: Configuration
    let environment: [String: String]
    let logging: LogSettings
    let logger: Logger
    let clock: any ClockReading = SystemClock()
    let random: any RandomSource = SystemRandom()

    /// Takes the state directory, recovers the log, opens the store, serves the control socket. Blocks while it reads
    /// the log. The services that it answers run until they are stopped.
    func assemble() async throws -> [any Service] {
        let startedAt = clock.monotonicNanoseconds()
        let access = try await AWSAccess(
            configuration, environment: environment, clock: clock, random: random, logger: logger)
        let roles = Roles(operatorGroup: try Roles.group(named: configuration.operatorGroup))
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
        logging.setSalt(log.logID.bytes)
        let (desk, worker, remediation) = remediation(store, access)
        let pause = IntakePause(until: overview.pausedUntil)
        let intakes = intakes(overview.knownQueues, log, pause, flusher, desk, access)
        parts += intakes.map { IntakePart(intake: $0) }
        parts += remediation

        let (configured, asking) = configuredRules(access)
        parts.append(asking)
        let stopping = StoppingFlag()
        let status = StatusAssembler(
            store: store, configured: configured, log: log, flusher: flusher,
            monitors: intakes.map(\.monitor), pause: pause, notes: notes(report), clock: clock,
            startedAt: startedAt, stopping: stopping)
        let reloader = Reloader(
            file: file, running: configuration, environment: environment,
            parts: LiveParts(
                logging: logging, roles: roles, log: log, ballast: ballast, store: store,
                intakes: intakes, pause: pause, worker: worker, configured: configured),
            logger: logger, executor: .blocking("s3remedy.reload"))
        let server = try await serve(
            ControlRoutes(
                store: store, status: status, desk: desk,
                intake: IntakeRoutes(store: store, pause: pause, clock: clock),
                quarantineDesk: QuarantineDesk(store: store, log: log),
                repeated: RepeatedRequests(store: store, logger: logger), reloader: reloader,
                roles: roles, clock: clock, logger: logger))
        if let metrics = try await serveMetrics(status) { parts.insert(metrics, at: 0) }
        return [ControlPart(server: server)] + parts + [
            ReloadPart(
                signals: await UnixSignalsSequence(trapping: .sighup),
                reload: { _ = try? await reloader.reload() }),
            ReadinessPart(
                notifier: SystemdNotifier(), stopping: stopping,
                sentence: readySentence(overview, report)),
        ]
    }

    private func readySentence(_ overview: StoreOverview, _ report: RecoveryReport) -> String {
        let last = report.lastLSN.value
        return "\(overview.openFailures) open failures, \(last - min(last, overview.appliedLSN)) "
            + "log records to apply"
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
                isKnown: known.contains(queue.url),
                settings: IntakeSettings(
                    maximumPollers: queue.maxPollers, buckets: configuration.wantedBuckets,
                    settlesOthers: queue.otherEvents == .delete),
                log: log,
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
            if let desk { intake.jobChanged = { desk.lookNow() } }
            return intake
        }
    }

    /// Connections that ask S3 about versions side by side.
    private static let headLanes = 8

    private func configuredRules(_ access: AWSAccess) -> (ConfiguredRules, ConfiguredRulesPart) {
        let exchange = CurlExchange(options: access.options)
        var regions: [String] = []
        for region in access.queueRegions where !regions.contains(region) { regions.append(region) }
        let rules = ConfiguredRules(
            buckets: configuration.buckets,
            callers: regions.map { access.caller(region: $0, exchange: exchange) }, clock: clock,
            logger: logger, executor: .blocking("s3remedy.rules"))
        return (rules, ConfiguredRulesPart(rules: rules, stopCalls: { exchange.cancel() }))
    }

    private func remediation(
        _ store: SQLiteFailureStore, _ access: AWSAccess
    ) -> (RemediationDesk?, RemediationWorker?, [any Service]) {
        guard let batch = configuration.batch else { return (nil, nil, []) }
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
            store: store, lanes: lanes, clock: clock, random: random, worker: worker)
        let exchanges = [exchange] + headExchanges
        return (
            desk, worker,
            [RemediationPart(worker: worker, stopCalls: { exchanges.forEach { $0.cancel() } })]
        )
    }

    private func serve(_ routes: ControlRoutes) async throws -> HTTPServer {
        let server = server(routes.routes(), ControlLimits(), "control")
        let inherited = try InheritedSockets().unixStreamListener(named: "control")
        try await server.start(
            inherited.map { .descriptor($0) } ?? .path(configuration.controlSocket))
        return server
    }

    /// `/metrics` alone, to anybody who reaches the address; nil without one.
    private func serveMetrics(_ status: StatusAssembler) async throws -> ControlPart? {
        guard let address = configuration.metricsListen else { return nil }
        var limits = ControlLimits()
        limits.connections = 16
        limits.bodyBytes = 0
        let route = ControlRoute("GET", "/metrics") { _ in
            .metrics(await MetricsAssembler(status: status).text())
        }
        let server = server([route], limits, "metrics")
        do { try await server.start(.tcp(address)) } catch { throw DaemonFailure.metrics(error) }
        logger.info("metrics are served", metadata: ["address": "\(address)"])
        return ControlPart(server: server)
    }

    private func server(
        _ routes: [ControlRoute], _ limits: ControlLimits, _ name: String
    ) -> HTTPServer {
        let logger = logger
        return HTTPServer(
            routes: routes, limits: limits, executor: .events("s3remedy." + name),
            problem: { _, code, detail in
                .problem((ProblemCode(rawValue: code) ?? .internalError).problem(detail))
            },
            log: { event in
                if case .library(let message) = event {
                    logger.debug(
                        "libmicrohttpd", metadata: ["of": "\(name)", "said": "\(message)"])
                }
            })
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
