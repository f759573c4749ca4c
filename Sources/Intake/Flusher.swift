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
    private static let bytesPerBatch = 16 * 1024 * 1024
    /// Small batches come no closer together than that.
    private static let pace = Duration.milliseconds(200)
    /// Nanoseconds between two times that retention is seen to.
    private static let sweepPause: UInt64 = 60_000_000_000
    /// Transactions that retention may take at a time; the log waits for as long.
    private static let sweepsAtOnce = 10

    private let log: SegmentedLog
    private let store: any FailureStoring
    private let clock: any ClockReading
    private let executor: QueueExecutor
    private let logger: Logger
    private var reader: LogReader
    private var sweptAt: UInt64?
    private let shared = Mutex<(applied: UInt64, problem: IntakeProblem?)>((0, nil))

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameter applied: the store's applied LSN.
    package init(
        log: SegmentedLog, store: any FailureStoring, applied: UInt64, clock: any ClockReading,
        executor: QueueExecutor, logger: Logger
    ) {
        self.log = log
        self.store = store
        self.clock = clock
        self.executor = executor
        self.logger = logger
        reader = log.reader(after: LSN(applied))
        shared.withLock { $0.applied = applied }
    }

    /// The LSN up to which the store has everything; from any thread.
    package nonisolated var appliedLSN: UInt64 { shared.withLock { $0.applied } }
    /// What keeps the store from taking more; from any thread.
    package nonisolated var problem: IntakeProblem? { shared.withLock { $0.problem } }

    /// Flushes until the log closes, or the task is cancelled while the store takes nothing.
    package func run() async throws(FlusherFailure) {
        while await log.waitForRecords(after: reader.position) {
            let batch = try nextBatch()
            guard try await apply(batch) else { return }
            await dropApplied()
            try await sweepIfDue()
            if batch.records.count < Self.recordsPerBatch { try? await clock.sleep(for: Self.pace) }
        }
    }

    private var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    /// The next records, decoded; their bytes are let go before the store takes memory of its own.
    private func nextBatch() throws(FlusherFailure) -> StoreBatch {
        do {
            let records = try reader.next(
                maximumRecords: Self.recordsPerBatch, maximumBytes: Self.bytesPerBatch)
            return StoreBatch(
                records: records.map { ($0.lsn.value, Self.storeRecord($0)) }, at: now)
        } catch {
            throw .log(error)
        }
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
                shared.withLock { $0 = (summary.appliedLSN, nil) }
                return true
            } catch {
                switch error {
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
            let since = shared.problem?.since ?? now
            shared.problem = IntakeProblem(
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

    /// Lets go of what retention has ended for: between batches, at most once a minute.
    private func sweepIfDue() async throws(FlusherFailure) {
        let moment = clock.monotonicNanoseconds()
        if let sweptAt, moment - sweptAt < Self.sweepPause { return }
        sweptAt = moment
        let time = now
        do {
            for _ in 0..<Self.sweepsAtOnce {
                if try await store.sweep(at: time).isComplete { return }
            }
        } catch {
            if case .damaged = error { throw .store(error) }
            logger.warning("retention waits", metadata: ["problem": "\(error)"])
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
