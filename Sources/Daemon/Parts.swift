internal import ControlServer
internal import Intake
internal import Remediation
internal import ServiceLifecycle
internal import Systemd
internal import UnixSignals
internal import WriteAheadLog

// The parts of the daemon as services: started in this order, stopped in the opposite one. A part that ends by itself
// ends the daemon.

/// Answers questions until the very last.
struct ControlPart: Service {
    let server: HTTPServer

    func run() async throws {
        try? await gracefulShutdown()
        await server.stop()
    }
}

/// Flushes until the log closes; closing the log is what stops it, after the pollers.
struct FlusherPart: Service {
    let flusher: Flusher
    let log: SegmentedLog

    func run() async throws {
        let log = log
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await flusher.run()
            } onGracefulShutdown: {
                Task { await log.close() }
            }
        } onCancel: {
            Task { await log.close() }
        }
        await log.close()
        // The log's failure ends this part first, or the intake: who hears it must not depend on that.
        if let failure = log.status.failure { throw failure }
    }
}

/// Off the way to READY: the ballast may take seconds to be written.
struct BallastPart: Service {
    let flusher: Flusher

    func run() async throws {
        await cancelWhenGracefulShutdown { await flusher.keepBallast() }
    }
}

struct RetentionPart: Service {
    let retention: Retention

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await retention.run() }
    }
}

struct IntakePart: Service {
    let intake: QueueIntake

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await intake.run() }
    }
}

struct RemediationPart: Service {
    let worker: RemediationWorker
    let stopCalls: @Sendable () -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await withTaskCancellationHandler {
                try await worker.run()
            } onCancel: {
                stopCalls()
            }
        }
    }
}

struct ConfiguredRulesPart: Service {
    let rules: ConfiguredRules
    let stopCalls: @Sendable () -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskCancellationHandler {
                await rules.run()
            } onCancel: {
                stopCalls()
            }
        }
    }
}

/// `SIGHUP` is a reload; its outcome goes to the log.
struct ReloadPart: Service {
    /// Made before READY: until then SIGHUP ends the process.
    let signals: UnixSignalsSequence
    let reload: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in signals { await reload() }
        }
    }
}

/// Last to start, first to stop: tells systemd. The group registers its signals before any part runs, so that a
/// SIGTERM right after READY=1 is not lost.
struct ReadinessPart: Service {
    let notifier: SystemdNotifier
    let stopping: StoppingFlag
    let sentence: String

    func run() async throws {
        _ = notifier.ready(status: sentence)
        try? await gracefulShutdown()
        stopping.set()
        _ = notifier.stopping()
    }
}
