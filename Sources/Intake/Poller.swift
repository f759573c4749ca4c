package import AWSClient
internal import AWSProtocol
internal import Domain
internal import LogRecords
package import Logging
package import SystemIO
package import WriteAheadLog

/// Receives from one queue: decode, append to the log, and delete only what is synced.
///
/// Nothing ends it but a log that takes no more: trouble outside is shown, waited out and tried again.
package actor Poller {
    private static let messagesPerReceive = 10
    private static let waitSeconds = 20
    private static let lastingProblems: Set<String> = ["queueNotOurs", "deleteFailed"]
    private static let attributesInterval: UInt64 = 30_000_000_000

    private let queueURL: String
    private let receiver: SQSClient
    /// Another connection than the receiver's, so that a stop can end a long poll and still delete what is synced.
    private let deleter: SQSClient
    private let stopReceiving: @Sendable () -> Void
    private let log: SegmentedLog
    private let monitor: QueueMonitor
    private let clock: any ClockReading
    private let random: any RandomSource
    private let executor: QueueExecutor
    private let logger: Logger
    private let deletesForeign: Bool
    private var isKnown: Bool
    private var failures = 0
    private var attributesAt: UInt64 = 0
    /// Receipt handles by message ID of what is synced and not yet deleted.
    private var synced: [String: String] = [:]

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - isKnown: the store has seen an s3:TestEvent of this queue. If not, the first event of ours makes it known.
    ///   - deletesForeign: `otherEvents: delete`: the queue counts as known.
    ///   - makeClients: called once, on this actor: the clients block its executor.
    ///   - stopReceiving: ends the receiver's call; from any thread.
    package init(
        queueURL: String, isKnown: Bool, deletesForeign: Bool, log: SegmentedLog,
        monitor: QueueMonitor, clock: any ClockReading, random: any RandomSource,
        executor: QueueExecutor, logger: Logger,
        makeClients: @Sendable () -> (receiver: SQSClient, deleter: SQSClient),
        stopReceiving: @escaping @Sendable () -> Void
    ) {
        self.queueURL = queueURL
        self.isKnown = isKnown
        self.deletesForeign = deletesForeign
        self.log = log
        self.monitor = monitor
        self.clock = clock
        self.random = random
        self.executor = executor
        self.logger = logger
        self.stopReceiving = stopReceiving
        let clients = makeClients()
        receiver = clients.receiver
        deleter = clients.deleter
    }

    /// Polls until the task is cancelled or the log fails.
    package func run() async throws(LogFailure) {
        let (log, stopReceiving) = (log, stopReceiving)
        let failure: LogFailure? = await withTaskCancellationHandler {
            await poll()
        } onCancel: {
            stopReceiving()
            // A full disk must not hold up the stop: what is not in the log stays on the queue.
            log.refuseWithoutRoom()
        }
        monitor.update { snapshot in
            snapshot.state = .stopped
            snapshot.pollers -= 1
        }
        if let failure { throw failure }
    }

    private func poll() async -> LogFailure? {
        monitor.update { $0.pollers += 1 }
        while !Task.isCancelled {
            if let reason = log.status.paused {
                monitor.report("logPaused", "\(reason)", at: now)
                monitor.update { $0.state = .paused }
                try? await clock.sleep(for: .seconds(1))
                continue
            }
            do {
                let messages = try await receiver.receive(
                    maximumMessages: Self.messagesPerReceive, waitSeconds: Self.waitSeconds,
                    visibilityTimeoutSeconds: nil)
                failures = 0
                noteReceive(messages.count)
                try await take(messages)
            } catch let failure as LogFailure {
                if failure == .closed, Task.isCancelled { break }
                return failure
            } catch let failure as AWSFailure {
                await backOff(failure)
            } catch {
                preconditionFailure("receiving and appending throw no \(error)")
            }
            await lookAtQueue()
        }
        await deleteSynced()
        return nil
    }

    private var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    private func noteReceive(_ count: Int) {
        let time = now
        monitor.update { snapshot in
            snapshot.state = .receiving
            // A receive that works says nothing of foreign messages or of deletes.
            if !Self.lastingProblems.contains(snapshot.problem?.code ?? "") {
                snapshot.problem = nil
            }
            snapshot.lastReceiveAt = time
            snapshot.received += Int64(count)
            if count > 0 { snapshot.lastMessageAt = time }
        }
    }

    /// Makes a batch's records durable, and deletes its messages only then.
    private func take(_ messages: [ReceivedMessage]) async throws(LogFailure) {
        guard !messages.isEmpty else { return await deleteSynced() }
        let time = now
        var payloads: [[UInt8]] = []
        var done: [ReceivedMessage] = []
        for message in messages {
            let sorted = sort(
                message, queueURL: queueURL, isKnown: isKnown || deletesForeign, receivedAt: time)
            isKnown = isKnown || sorted.isOurs
            payloads += sorted.payloads.map { $0.encode() }
            if sorted.mayBeDeleted { done.append(message) }
            note(sorted)
        }
        if !payloads.isEmpty { _ = try await log.append(payloads) }
        // A message that came twice in one batch is one entry: its newest receipt deletes it.
        for message in done { synced[message.messageID] = message.receiptHandle }
        await deleteSynced()
    }

    private func note(_ sorted: SortedMessage) {
        let time = now
        let isHeld = !sorted.mayBeDeleted
        monitor.update { snapshot in
            snapshot.foreign += Int64(sorted.foreignEvents.count)
            snapshot.replacedTimes += Int64(sorted.replacedTimes)
            for case .quarantined in sorted.payloads { snapshot.quarantined += 1 }
            if let tested = sorted.testedAt {
                snapshot.lastTestEventAt = max(snapshot.lastTestEventAt ?? tested, tested)
            }
            if sorted.isOurs, snapshot.problem?.code == "queueNotOurs" { snapshot.problem = nil }
            guard isHeld else { return }
            snapshot.problem = IntakeProblem(
                code: "queueNotOurs",
                sentence: "\(queueURL) has shown no replication event and no s3:TestEvent yet, but "
                    + "\(sorted.foreignEvents.prefix(3).joined(separator: ", ")): those messages stay "
                    + "on it; give replication events a queue of their own, or set otherEvents: delete",
                since: snapshot.problem?.code == "queueNotOurs"
                    ? snapshot.problem?.since ?? time : time)
        }
    }

    /// Deletes what is synced, ten at a time. What fails stays for the next round: the worst is that it comes again.
    private func deleteSynced() async {
        let limit = 1000
        while synced.count > limit, let oldest = synced.keys.first { synced[oldest] = nil }
        for _ in 0...(synced.count / Self.messagesPerReceive) where !synced.isEmpty {
            let batch = Array(synced.prefix(Self.messagesPerReceive))
            let entries = batch.enumerated().map {
                SQSBatchEntry(id: "m\($0.offset)", receiptHandle: $0.element.value)
            }
            do {
                let outcome = try await deleter.deleteBatch(entries)
                let kept = Set(outcome.failed.filter { !$0.senderFault }.map(\.id))
                for (offset, entry) in batch.enumerated() where !kept.contains("m\(offset)") {
                    synced[entry.key] = nil
                }
                monitor.update { snapshot in
                    snapshot.deleted += Int64(outcome.succeeded.count)
                    if snapshot.problem?.code == "deleteFailed" { snapshot.problem = nil }
                }
                if !kept.isEmpty { return }
            } catch {
                noteUndeleted(error)
                return
            }
        }
    }

    /// What is not deleted comes again, for ever where the permission is missing.
    private func noteUndeleted(_ failure: AWSFailure) {
        let time = now
        let isNew = monitor.snapshot.problem?.code != "deleteFailed"
        if isNew {
            logger.warning("messages not deleted", metadata: ["problem": "\(failure)"])
        }
        monitor.update { snapshot in
            let since = isNew ? nil : snapshot.problem?.since
            snapshot.problem = IntakeProblem(
                code: "deleteFailed",
                sentence:
                    "\(queueURL): what is in the log is not deleted and comes again: \(failure)",
                since: since ?? time)
        }
    }

    /// Waits longer each time, at most half a minute, and shows why.
    private func backOff(_ failure: AWSFailure) async {
        guard !failure.isCancellation else { return }
        failures += 1
        monitor.report(problemCode(failure), "\(queueURL): \(failure)", at: now)
        if failures == 1 {
            logger.warning("receiving failed", metadata: ["problem": "\(failure)"])
        }
        let ceiling = min(30_000, 500 << min(failures, 10))
        let milliseconds = ceiling / 2 + Int(random.next() % UInt64(ceiling / 2))
        try? await clock.sleep(for: .milliseconds(milliseconds))
    }

    private func problemCode(_ failure: AWSFailure) -> String {
        switch failure.kind {
        case .credentials: "credentials"
        case .throttling: "throttled"
        case .clockSkew: "queueAccessDenied"
        case .transient, .permanent:
            failure.code.contains("NonExistentQueue") || failure.code == "QueueDoesNotExist"
                ? "queueMissing" : "queueUnreachable"
        }
    }

    /// Asks SQS how long the queue is, now and then: only for `status`, so a failure is no trouble.
    private func lookAtQueue() async {
        let time = clock.monotonicNanoseconds()
        guard time >= attributesAt, !Task.isCancelled else { return }
        attributesAt = time + Self.attributesInterval
        guard let attributes = try? await deleter.queueAttributes() else { return }
        monitor.update { snapshot in
            snapshot.visible = attributes["ApproximateNumberOfMessages"].flatMap { Int($0) }
            snapshot.inFlight = attributes["ApproximateNumberOfMessagesNotVisible"].flatMap {
                Int($0)
            }
            snapshot.retentionSeconds = attributes["MessageRetentionPeriod"].flatMap { Int($0) }
        }
    }
}
