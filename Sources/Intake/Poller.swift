internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import LogRecords
internal import Logging
internal import SystemIO
internal import WriteAheadLog

/// Receives from one queue on a thread of its own: decode, append to the log, and delete only what is synced.
actor Poller {
    private static let messagesPerReceive = 10
    private static let waitSeconds = 20

    private let queue: QueueIntake
    private let pool: PollerPool
    private let bell = PollerBell()
    private let executor: any WorkExecutor
    private var connection: QueueConnection?
    private var ownership: QueueOwnership
    private var holding = HeldVisibility()
    private var deletes = PendingDeletes()
    private var failures = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }
    /// For the task that runs it.
    nonisolated var tasks: any TaskExecutor { executor.tasks }

    init(_ queue: QueueIntake, pool: PollerPool, isKnown: Bool) {
        self.queue = queue
        self.pool = pool
        ownership = QueueOwnership(isKnown: isKnown || queue.settings.settlesOthers)
        executor = queue.makeExecutor()
    }

    /// Polls until the task is cancelled, the pool wants fewer, or the log fails.
    func run() async throws(LogFailure) {
        let (bell, log) = (bell, queue.log)
        let number = queue.pause.addBell { bell.ring() }
        queue.monitor.update { $0.pollers += 1 }
        let failure: LogFailure? = await withTaskCancellationHandler {
            await poll()
        } onCancel: {
            bell.ring()
            // A full disk must not hold up the stop: what is not in the log stays on the queue.
            log.refuseWithoutRoom()
        }
        queue.monitor.update { $0.pollers -= 1 }
        queue.pause.removeBell(number)
        if let failure { throw failure }
    }

    private func poll() async -> LogFailure? {
        var isWanted = true
        while isWanted, !Task.isCancelled {
            // Before the looks below: a bell that rings in between ends the receive.
            let client = connected()
            if await isHeldUp() { continue }
            guard queue.credits.take() else {
                await bell.sleep(atMost: .milliseconds(100), queue.clock)
                continue
            }
            defer { queue.credits.giveBack() }
            do throws(LogFailure) {
                isWanted = try await receive(client)
            } catch {
                if error == .closed, Task.isCancelled { break }
                return error
            }
        }
        await deleteSynced()
        await setVisibility(of: ownership.releaseAll(), seconds: 0)
        return nil
    }

    private var now: Timestamp { Timestamp(milliseconds: queue.clock.wallMilliseconds()) }

    private func connected() -> SQSClient {
        if let connection { return connection.client }
        let connection = queue.connect()
        self.connection = connection
        bell.guards(connection.cancel)
        return connection.client
    }

    /// Waits a moment and answers true while there is a reason not to receive.
    private func isHeldUp() async -> Bool {
        if Task.isCancelled { return true }
        let time = now
        if queue.pause.until(at: time) != nil {
            queue.monitor.notePause()
            await deleteSynced()
            await bell.sleep(atMost: .seconds(1), queue.clock)
            return true
        }
        if queue.settings.settlesOthers, ownership.accept() { queue.monitor.noteOurs() }
        if case .notOurs(let seen) = ownership.standing {
            queue.monitor.noteNotOurs(seen: seen, held: nil, at: time)
            await bell.sleep(atMost: .seconds(60), queue.clock)
            return true
        }
        if let reason = queue.log.status.paused {
            queue.monitor.report("logPaused", "\(reason)", at: time, state: .paused)
            await bell.sleep(atMost: .seconds(1), queue.clock)
            return true
        }
        return false
    }

    /// One receive and all that follows from it. False when the pool wants fewer pollers.
    private func receive(_ client: SQSClient) async throws(LogFailure) -> Bool {
        let messages: [ReceivedMessage]
        do {
            messages = try await client.receive(
                maximumMessages: Self.messagesPerReceive, waitSeconds: Self.waitSeconds,
                visibilityTimeoutSeconds: nil)
        } catch {
            await backOff(error)
            return true
        }
        failures = 0
        queue.monitor.noteReceive(messages, at: now)
        if let sentence = clockTrouble(skewMilliseconds: client.clockSkewMilliseconds) {
            queue.monitor.report("clockSkew", "\(queue.queueURL): \(sentence)", at: now)
        }
        if !messages.isEmpty { try await take(messages) }
        await deleteSynced()
        await keepHeld()
        await lookAtQueue(client)
        if messages.count == Self.messagesPerReceive, ownership.standing == .ours {
            pool.receivedFull()
        }
        return !pool.isOneTooMany(isIdle: messages.isEmpty && deletes.isEmpty)
    }

    /// Makes a batch's records durable; its messages may be deleted only then.
    private func take(_ messages: [ReceivedMessage]) async throws(LogFailure) {
        let time = now
        let sorting = MessageSorting(queueURL: queue.queueURL, buckets: queue.settings.buckets)
        let batch = messages.map { sorting.sort($0, receivedAt: time) }
        let settlement = ownership.settle(batch)
        if settlement.recognized { queue.recognized() }
        queue.monitor.note(batch, settlement)
        if !settlement.payloads.isEmpty {
            do {
                _ = try await queue.log.append(settlement.payloads.map { $0.encode() })
            } catch {
                await setVisibility(of: settlement.deletable, seconds: 0)
                throw error
            }
        }
        deletes.add(settlement.deletable)
        if !settlement.held.isEmpty {
            holding.expire()
            queue.monitor.noteNotOurs(
                seen: ownership.seen, held: ownership.heldReceipts.count, at: time)
        }
        if !settlement.released.isEmpty {
            await setVisibility(of: settlement.released, seconds: 0)
        }
        if queue.logger.logLevel <= .debug { describe(settlement.payloads) }
        if batch.contains(where: \.saysJobChanged) { queue.jobChanged() }
    }

    private func describe(_ payloads: [LogPayload]) {
        for case .event(let event) in payloads where event.name == .operationFailed {
            queue.logger.debug(
                "failure received",
                metadata: [
                    "rule": "\(event.sourceBucket)/\(event.ruleID)", "key": "\(event.key.encoded)",
                    "version": "\(event.versionID)", "reason": "\(event.reason ?? "")",
                ])
        }
    }

    /// Deletes what is synced, ten at a time. What fails stays for the next round: the worst is that it comes again.
    private func deleteSynced() async {
        var isFresh = false
        while !deletes.isEmpty {
            do throws(AWSFailure) {
                let outcome = try await connected().deleteBatch(deletes.nextBatch)
                let kept = deletes.settle(outcome)
                queue.monitor.noteDeleted(outcome.succeeded.count)
                if kept > 0 { return }
            } catch {
                guard isLost(error) else {
                    noteUndeleted(error)
                    return
                }
                // Called off again, on a new connection: at a stop with nothing to sign with, for example.
                if isFresh { return }
                isFresh = true
            }
        }
    }

    /// True when the bell ended the call: then a new connection is worth another try.
    private func isLost(_ failure: AWSFailure) -> Bool {
        guard failure.isCancellation else { return false }
        connection = nil
        return true
    }

    /// What is not deleted comes again, for ever where the permission is missing.
    private func noteUndeleted(_ failure: AWSFailure) {
        let isNew = queue.monitor.report(
            "deleteFailed",
            "\(queue.queueURL): what is in the log is not deleted and comes again: \(failure)",
            at: now)
        if isNew {
            queue.logger.warning("messages not deleted", metadata: ["problem": "\(failure)"])
        }
    }

    /// Nothing depends on it: what it does not reach becomes visible when its time is over.
    private func setVisibility(of receipts: [Receipt], seconds: Int) async {
        var rest = receipts[...]
        var isFresh = false
        while !rest.isEmpty {
            let entries = rest.prefix(PendingDeletes.batchSize).enumerated().map {
                SQSBatchEntry(id: String($0.offset), receiptHandle: $0.element.handle)
            }
            do throws(AWSFailure) {
                _ = try await connected().changeVisibilityBatch(entries, seconds: seconds)
            } catch {
                if isLost(error) {
                    if isFresh { return }
                    isFresh = true
                    continue
                }
                queue.logger.debug("visibility not set", metadata: ["problem": "\(error)"])
            }
            rest = rest.dropFirst(entries.count)
        }
    }

    /// Keeps what is held from coming again.
    private func keepHeld() async {
        let receipts = ownership.heldReceipts
        guard !receipts.isEmpty, holding.isDue(at: queue.clock.monotonicNanoseconds()) else {
            return
        }
        await setVisibility(of: receipts, seconds: HeldVisibility.seconds)
    }

    /// Waits longer each time, at most half a minute, and shows why.
    private func backOff(_ failure: AWSFailure) async {
        if isLost(failure) { return }
        failures += 1
        let trouble = receiveTrouble(failure)
        queue.monitor.report(
            trouble.code, "\(queue.queueURL): \(trouble.sentence)", at: now, state: .backingOff)
        if failures == 1 {
            queue.logger.warning("receiving failed", metadata: ["problem": "\(failure)"])
        }
        let ceiling = min(30_000, 500 << min(failures, 10))
        let milliseconds = ceiling / 2 + Int(queue.random.next() % UInt64(ceiling / 2))
        await bell.sleep(atMost: .milliseconds(milliseconds), queue.clock)
    }

    /// Asks SQS how long the queue is, now and then: only for `status`, so a failure is no trouble.
    private func lookAtQueue(_ client: SQSClient) async {
        guard !Task.isCancelled,
            queue.monitor.isLookDue(at: queue.clock.monotonicNanoseconds())
        else { return }
        do throws(AWSFailure) {
            let look = try await QueueLook(client)
            queue.monitor.update { $0.look = look }
        } catch {
            _ = isLost(error)
        }
    }
}

/// When the visibility of held messages is set again.
private struct HeldVisibility {
    static let seconds = 300
    private var until: UInt64 = 0

    mutating func expire() { until = 0 }

    /// True when less than half of the time is left; the caller sets it anew.
    mutating func isDue(at now: UInt64) -> Bool {
        let whole = UInt64(Self.seconds) * 1_000_000_000
        guard now + whole / 2 >= until else { return false }
        until = now + whole
        return true
    }
}
