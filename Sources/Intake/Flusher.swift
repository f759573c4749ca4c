internal import Domain
package import FailureStore
internal import LogRecords
package import Logging
internal import Synchronization
package import SystemIO
package import WriteAheadLog

/// Why flushing ended.
package enum FlusherFailure: Error, Sendable, CustomStringConvertible {
    case log(LogFailure)
    case store(StoreFailure)

    package var description: String {
        switch self {
        case .log(let failure): "\(failure)"
        case .store(let failure): "\(failure)"
        }
    }
}

/// Carries synced records from the log into the store, and lets the log drop what the store holds.
package actor Flusher {
    private static let recordsPerBatch = 10_000
    private static let recordsPerRead = 500
    private static let bytesPerBatch = 16 * 1024 * 1024
    /// Small batches come no closer together than that.
    private static let pace = Duration.milliseconds(200)
    /// Between two looks whether there is room for the ballast, or for a batch on a full disk.
    private static let fullPause = Duration.seconds(2)

    private let log: SegmentedLog
    private let store: any FailureStoring
    private let ballast: Ballast
    private let clock: any ClockReading
    private let executor: QueueExecutor
    private let logger: Logger
    private var reader: LogReader
    private let shared = Mutex(Shared())
    private var ballastsGiven = 0
    private let ballastGiven = Wakeup()
    /// URLs of queues that have shown their first event of ours, until the store remembers them.
    private let recognized = Mutex<Set<String>>([])

    private struct Shared {
        var applied: UInt64 = 0
        var unavailable: IntakeProblem?
        /// From the first refusal by a full disk until there is a ballast again.
        var full: IntakeProblem?
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameter applied: the store's applied LSN.
    package init(
        log: SegmentedLog, store: any FailureStoring, ballast: Ballast, applied: UInt64,
        clock: any ClockReading, executor: QueueExecutor, logger: Logger
    ) {
        self.log = log
        self.store = store
        self.ballast = ballast
        self.clock = clock
        self.executor = executor
        self.logger = logger
        reader = log.reader(after: LSN(applied))
        shared.withLock { $0.applied = applied }
    }

    /// The LSN up to which the store has everything; from any thread.
    package nonisolated var appliedLSN: UInt64 { shared.withLock { $0.applied } }
    /// What keeps the store from taking more; from any thread.
    package nonisolated var problem: IntakeProblem? {
        shared.withLock { $0.full ?? $0.unavailable }
    }

    /// The store is to remember that the queue is ours: with the next batch, which holds what shows it. From any thread.
    package nonisolated func recognize(queueURL: String) {
        recognized.withLock { _ = $0.insert(queueURL) }
    }

    /// Flushes until the log closes, or the task is cancelled while the store takes nothing.
    package func run() async throws(FlusherFailure) {
        while await log.waitForRecords(after: reader.position) {
            let batch = try nextBatch()
            guard try await apply(batch) else { return }
            await rememberQueues()
            if isDiskFull { await shrinkStore() }
            await dropApplied()
            if batch.records.count < Self.recordsPerBatch { try? await clock.sleep(for: Self.pace) }
        }
    }

    private var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    /// The next records, decoded a few at a time: the bytes of all and what they hold would stand in memory together.
    private func nextBatch() throws(FlusherFailure) -> StoreBatch {
        var batch = StoreBatch(records: [], at: now)
        batch.records.reserveCapacity(Self.recordsPerBatch)
        var bytes = 0
        while batch.records.count < Self.recordsPerBatch, bytes < Self.bytesPerBatch {
            let left = Self.recordsPerBatch - batch.records.count
            let read: [LogRecord]
            do {
                read = try reader.next(
                    maximumRecords: min(left, Self.recordsPerRead),
                    maximumBytes: Self.bytesPerBatch - bytes)
            } catch {
                throw .log(error)
            }
            guard !read.isEmpty else { break }
            for record in read {
                bytes += record.payload.count
                batch.records.append((record.lsn.value, Self.storeRecord(record)))
            }
        }
        return batch
    }

    private static func storeRecord(_ record: LogRecord) -> StoreRecord {
        do {
            switch try LogPayload(decoding: record.payload) {
            case .event(let event): return .event(event)
            case .quarantined(let message): return .quarantined(message)
            case .notificationTest(let test): return .notificationTest(test)
            }
        } catch {
            return .poisoned(payload: record.payload, problem: error.description)
        }
    }

    /// Applies a batch, waiting out what goes away by itself. What the store refuses for the sake of one record is
    /// halved until that record stands alone, and goes into quarantine. False when the task was cancelled first:
    /// nothing behind the batch may be applied then, or its records would be left out for good.
    private func apply(_ batch: StoreBatch) async throws(FlusherFailure) -> Bool {
        var attempts = 0
        while true {
            do {
                let summary = try await store.apply(batch)
                noteApplied(summary.appliedLSN)
                return true
            } catch {
                switch error {
                case .full(let sentence):
                    if await giveUpBallast(sentence) { continue }
                    try? await clock.sleep(for: Self.fullPause)
                    if Task.isCancelled { return false }
                case .unavailable(let sentence):
                    attempts += 1
                    await waitOut(sentence, attempts)
                    if Task.isCancelled { return false }
                case .failed(let sentence):
                    return try await applyHalves(of: batch, sentence)
                case .damaged, .refused, .badCursor: throw .store(error)
                }
            }
        }
    }

    private func waitOut(_ sentence: String, _ attempts: Int) async {
        if attempts == 1 {
            logger.warning("the failure store takes nothing", metadata: ["problem": "\(sentence)"])
        }
        shared.withLock { shared in
            let since = shared.unavailable?.since ?? now
            shared.unavailable = IntakeProblem(
                code: "storeUnavailable", sentence: sentence, since: since)
        }
        try? await clock.sleep(for: .milliseconds(min(30_000, 250 << min(attempts, 8))))
    }

    private func applyHalves(
        of batch: StoreBatch, _ sentence: String
    ) async throws(FlusherFailure) -> Bool {
        guard batch.records.count > 1 else { return try await quarantine(batch, sentence) }
        let middle = batch.records.count / 2
        let first = StoreBatch(records: Array(batch.records[..<middle]), at: batch.at)
        let second = StoreBatch(records: Array(batch.records[middle...]), at: batch.at)
        guard try await apply(first) else { return false }
        return try await apply(second)
    }

    /// Puts the one record of a batch into quarantine.
    private func quarantine(
        _ batch: StoreBatch, _ sentence: String
    ) async throws(FlusherFailure) -> Bool {
        guard let (lsn, record) = batch.records.first else { throw .store(.failed(sentence)) }
        if case .poisoned = record { throw .store(.failed(sentence)) }
        logger.error("record quarantined", metadata: ["lsn": "\(lsn)", "problem": "\(sentence)"])
        let poisoned = StoreRecord.poisoned(payload: Self.payload(of: record), problem: sentence)
        return try await apply(StoreBatch(records: [(lsn, poisoned)], at: batch.at))
    }

    private static func payload(of record: StoreRecord) -> [UInt8] {
        switch record {
        case .event(let event): LogPayload.event(event).encode()
        case .quarantined(let message): LogPayload.quarantined(message).encode()
        case .notificationTest(let test): LogPayload.notificationTest(test).encode()
        case .poisoned(let payload, _): payload
        }
    }

    private func rememberQueues() async {
        let urls = recognized.withLock { $0 }
        guard !urls.isEmpty else { return }
        do {
            try await store.recognize(queueURLs: urls)
            recognized.withLock { $0.subtract(urls) }
        } catch {
            logger.debug("queues not remembered", metadata: ["problem": "\(error)"])
        }
    }

    private func dropApplied() async {
        do {
            try await log.removeSegments(appliedThrough: LSN(appliedLSN))
        } catch {
            logger.warning("old log segments stay", metadata: ["problem": "\(error)"])
        }
    }
}

// MARK: a full disk

extension Flusher {
    /// Makes the ballast, and again whenever it was given up and there is room, until the task is cancelled.
    package func keepBallast() async {
        while !Task.isCancelled {
            let given = ballastsGiven
            var pause = Self.fullPause
            do {
                if try await ballast.make() {
                    if given == ballastsGiven { shared.withLock { $0.full = nil } }
                    pause = .seconds(3600)
                }
            } catch {
                logger.warning("no ballast", metadata: ["problem": "\(error)"])
                pause = .seconds(60)
            }
            await ballastGiven.sleep(atMost: pause, clock)
        }
    }

    /// The ballast was given up, here or by the start. From any thread.
    package nonisolated func noteBallastGiven(for sentence: String) {
        noteFull(
            "\(sentence); the ballast in the state directory was given up for it: free space, and it is made again"
        )
    }

    private var isDiskFull: Bool { shared.withLock { $0.full != nil } }

    private func noteApplied(_ lsn: UInt64) {
        shared.withLock { shared in
            shared.applied = lsn
            shared.unavailable = nil
            shared.full?.sentence =
                "the disk was full; failures go into the store again, without a ballast in the state "
                + "directory: free space, and it is made again"
        }
    }

    /// False when there was none: then only an operator makes room.
    private func giveUpBallast(_ sentence: String) async -> Bool {
        var isGiven = false
        do { isGiven = try await ballast.give() > 0 } catch {
            logger.warning("the ballast stays", metadata: ["problem": "\(error)"])
        }
        if isGiven {
            ballastsGiven += 1
            noteBallastGiven(for: sentence)
            ballastGiven.ring()
        } else {
            noteFull(
                "\(sentence); no ballast is left to give up, failures wait in the log and in SQS: free space"
            )
        }
        return isGiven
    }

    private nonisolated func noteFull(_ sentence: String) {
        let whole = "the disk is full: \(sentence)"
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        let before = shared.withLock { shared in
            let before = shared.full
            shared.full = IntakeProblem(
                code: "diskFull", sentence: whole, since: before?.since ?? now)
            return before
        }
        if before?.sentence != whole { logger.error("\(whole)") }
    }

    /// Moves the -wal into the database, and so gives its room back.
    private func shrinkStore() async {
        do { try await store.checkpoint() } catch {
            logger.warning("the -wal keeps its length", metadata: ["problem": "\(error)"])
        }
    }
}
