internal import CSystem
internal import ControlServer
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import SystemIO
internal import Systemd
internal import UnixSignals

/// `s3remedyd run`: runs until it is stopped. Returns the exit status.
package func runDaemon(configurationFile: String) async -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    // A queue's work moves from thread to thread, and by default each thread allocates in an arena of its own, which
    // keeps what it once held: flushing 1,000,000 records took 112 MiB so, and takes 74 MiB, at no more CPU.
    make_no_more_malloc_arenas()
    // No core dump holds credentials.
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    let environment = ProcessInfo.processInfo.environment
    let logging = LogSettings()
    let logger = makeLogger(logging, environment)
    do {
        let configuration = try Configuration.read(file: configurationFile)
        logging.set(level: configuration.logLevel, keys: configuration.keyLogging)
        for notice in configuration.notices { logger.notice("\(notice)") }
        let wiring = Wiring(
            file: configurationFile, configuration: configuration, environment: environment,
            logging: logging, logger: logger)
        // Starting blocks, in locks and reads: on a thread of its own.
        let services = try await Task(
            executorPreference: QueueExecutor.blocking("s3remedy.start").tasks
        ) {
            try await wiring.assemble()
        }.value
        try await serviceGroup(services, logger).run()
        logger.notice("stopped")
        return 0
    } catch {
        let failure = DaemonFailure(error)
        logger.critical("\(failure?.description ?? "a part ended: \(error)")")
        if let errno = failure?.errno {
            _ = SystemdNotifier().errno(errno, status: failure?.description ?? "")
        }
        return failure?.exitStatus ?? 1
    }
}

/// `s3remedyd check-config`: reads the configuration and says what is wrong, with it and with what it asks of this host.
/// Returns what to print, and the exit status.
package func checkConfiguration(file: String) async -> (text: String, status: Int32) {
    do {
        let configuration = try Configuration.read(file: file)
        _ = try await checkSurroundings(
            of: configuration, environment: ProcessInfo.processInfo.environment)
        let notices = configuration.notices.map { "note: \($0)\n" }.joined()
        return (notices + "\(file) is valid", 0)
    } catch {
        return ("\(error)", 78)
    }
}

private func makeLogger(
    _ settings: LogSettings, _ environment: [String: String]
) -> Logger {
    let isForJournal = environment["JOURNAL_STREAM"] != nil
    return Logger(label: "s3remedyd") { _ in
        StandardErrorLog(settings, isForJournal: isForJournal)
    }
}

/// Any part that fails stops the others in order; the group then throws what it failed with.
private func serviceGroup(_ services: [any Service], _ logger: Logger) -> ServiceGroup {
    var quiet = logger
    quiet.logLevel = .warning
    var configuration = ServiceGroupConfiguration(
        services: services.map { service in
            ServiceGroupConfiguration.ServiceConfiguration(
                service: service, successTerminationBehavior: .cancelGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup)
        }, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
    configuration.maximumGracefulShutdownDuration = .seconds(60)
    configuration.maximumCancellationDuration = .seconds(10)
    return ServiceGroup(configuration: configuration)
}

extension Configuration {
    /// Keys that have no effect in this version, or an effect that one should know of.
    var notices: [String] {
        var notices: [String] = []
        if let listen = metricsListen, !listen.isLoopback {
            notices.append(
                "metrics.listen: names of buckets, rules and queues are open to all who reach "
                    + "\(listen); 127.0.0.1 is open to this host alone")
        }
        var idle: [String] = []
        if let batch, batch.verify != .all { idle.append("batch.verify: \(batch.verify.rawValue)") }
        return notices + idle.map { "\($0) has no effect in this version" }
    }
}
