package import AWSClient
package import Logging
package import SystemIO
package import WriteAheadLog

/// One connection to a queue, for one poller: its calls block that poller's executor.
package struct QueueConnection {
    package let client: SQSClient
    /// Ends the running and every later call; from any thread.
    package let cancel: @Sendable () -> Void

    package init(client: SQSClient, cancel: @escaping @Sendable () -> Void) {
        self.client = client
        self.cancel = cancel
    }
}

/// What the pollers of one queue share.
package struct QueueIntake: Sendable {
    package let queueURL: String
    /// The store has seen an event of ours on this queue.
    package var isKnown: Bool
    package let settings: IntakeSettings
    package let log: SegmentedLog
    package let monitor: QueueMonitor
    package let credits: IntakeCredits
    package let pause: IntakePause
    package let clock: any ClockReading
    package let random: any RandomSource
    package let logger: Logger
    /// The queue has shown its first event, which the next append holds.
    package var recognized: @Sendable () -> Void = {}
    /// A job-status event came by: whoever follows jobs may look now.
    package var jobChanged: @Sendable () -> Void = {}
    /// Called on the poller that is going to use it.
    package let connect: @Sendable () -> QueueConnection
    /// A new one for each poller; its calls block it.
    package var makeExecutor: @Sendable () -> any WorkExecutor = {
        QueueExecutor.blocking("s3remedy.poller")
    }

    package init(
        queueURL: String, isKnown: Bool, settings: IntakeSettings = IntakeSettings(),
        log: SegmentedLog, monitor: QueueMonitor,
        credits: IntakeCredits, pause: IntakePause, clock: any ClockReading,
        random: any RandomSource, logger: Logger, connect: @escaping @Sendable () -> QueueConnection
    ) {
        self.queueURL = queueURL
        self.isKnown = isKnown
        self.settings = settings
        self.log = log
        self.monitor = monitor
        self.credits = credits
        self.pause = pause
        self.clock = clock
        self.random = random
        self.logger = logger
        self.connect = connect
    }

    /// Polls until the task is cancelled or the log takes no more; trouble outside is shown, waited out and tried again.
    package func run() async throws(LogFailure) {
        let pool = PollerPool(settings)
        do {
            try await withThrowingDiscardingTaskGroup { group in
                // Only the first looks at a queue that is not known: the others start once it is.
                var isKnown = isKnown
                for await _ in pool.starts {
                    let poller = Poller(self, pool: pool, isKnown: isKnown)
                    // What the log resumes goes on where the poller is, and not on another thread first.
                    group.addTask(executorPreference: poller.tasks) {
                        do { try await poller.run() } catch {
                            // That cancels the other pollers, but not this loop.
                            pool.end()
                            throw error
                        }
                    }
                    isKnown = true
                }
            }
        } catch let failure as LogFailure {
            throw failure
        } catch {
            preconditionFailure("a poller throws no \(error)")
        }
        monitor.update { $0.state = .stopped }
    }
}
