package import Metrics
package import SystemIO

/// The write-ahead log: see the format and the promises at the top of WriteAheadLog.swift.
///
/// Any number of tasks append; one committer makes groups of what they append. Close it before the last reference
/// goes: its two parts run until then.
package final class SegmentedLog: Sendable {
    /// The log's identity, which the store must remember before the first append.
    package let logID: LogID
    private let maximumPayloadBytes: Int
    private let shared: SharedLog
    private let state: StateDirectory
    private let keeper: SegmentKeeper
    private let parts: [Task<Void, Never>]

    private init(
        _ recovered: RecoveredLog, state: StateDirectory, clock: any ClockReading,
        random: any RandomSource, executor: any WorkExecutor, helper: any WorkExecutor,
        options: LogOptions
    ) {
        let shared = SharedLog(
            recovered, maximumBytes: options.maximumBytes,
            minimumFreeBytes: options.minimumFreeBytes)
        let committer = Committer(
            recovered, shared: shared, state: state, options: options, clock: clock,
            random: random, executor: executor)
        let keeper = SegmentKeeper(
            shared: shared, state: state, options: options, clock: clock, executor: helper)
        logID = recovered.active.header.logID
        maximumPayloadBytes = options.maximumPayloadBytes
        self.shared = shared
        self.state = state
        self.keeper = keeper
        parts = [
            Task(executorPreference: executor.tasks) { await committer.run() },
            Task(executorPreference: helper.tasks) { await keeper.run() },
        ]
    }

    /// Recovers the log in `directory`, or starts a new one, and opens it. Blocks while it reads.
    ///
    /// - Parameters:
    ///   - executor: the committer's; blocks in writes and syncs.
    ///   - helper: another, for making and removing segments; blocks too.
    ///   - store: what the store remembers. When its ID is nil, `logID` must go into it before the first append.
    package static func open(
        directory: StateDirectory, clock: any ClockReading, random: any RandomSource,
        executor: any WorkExecutor, helper: any WorkExecutor, options: LogOptions,
        store: StoreMark
    ) throws(LogFailure) -> (log: SegmentedLog, report: RecoveryReport) {
        let recovery = Recovery(state: directory, store: store, options: options, random: random)
        let recovered = try recovery.run()
        let log = SegmentedLog(
            recovered, state: directory, clock: clock, random: random, executor: executor,
            helper: helper, options: options)
        return (log, recovered.report)
    }

    /// Returns the last record's LSN once all are on disk. The records stand in the log in this order; others' may
    /// stand between them. While the log is paused and full this waits. It does not end early when the task is
    /// cancelled: what is queued becomes durable all the same.
    package nonisolated(nonsending) func append(
        _ payloads: [[UInt8]]
    ) async throws(LogFailure) -> LSN {
        guard !payloads.isEmpty else { throw .emptyAppend }
        for payload in payloads {
            guard !payload.isEmpty else { throw .emptyAppend }
            guard payload.count <= maximumPayloadBytes else {
                throw .recordTooLarge(bytes: payload.count, limit: maximumPayloadBytes)
            }
        }
        let shared = shared
        let outcome = await withCheckedContinuation { waiter in
            shared.enqueue(PendingAppend(payloads: payloads, waiter: waiter))
        }
        return try outcome.get()
    }

    /// From now on an append that finds no room fails with `closed` instead of waiting for it: for a stop while the log
    /// is paused. Nothing else changes. From any thread.
    package func refuseWithoutRoom() { shared.refuseWithoutRoom() }

    /// Other limits than those of the options, as in `LogOptions`. A log that pauses looks again at once. From any thread.
    package func setLimits(maximumBytes: Int, minimumFreeBytes: Int) {
        shared.setLimits(maximumBytes: maximumBytes, minimumFreeBytes: minimumFreeBytes)
    }

    /// The log as it stands now. Cheap, from any thread.
    package var status: LogStatus { shared.status }

    /// How long groups took to be written and synced since the start.
    package var commits: HistogramSnapshot { shared.commits.snapshot }

    /// Reads the records behind `lsn`.
    package func reader(after lsn: LSN) -> LogReader {
        LogReader(shared: shared, state: state, after: lsn)
    }

    /// True as soon as a record behind `lsn` is on disk; false when the log closes or has failed before that.
    package nonisolated(nonsending) func waitForRecords(after lsn: LSN) async -> Bool {
        let shared = shared
        return await withCheckedContinuation { shared.waitForRecords(after: lsn, $0) }
    }

    /// Removes segments whose records are all at most `applied`, which must be durable in the store. The newest
    /// segment stays. A failure leaves the log as it is; call again.
    package nonisolated(nonsending) func removeSegments(
        appliedThrough applied: LSN
    ) async throws(LogFailure) {
        do { try await keeper.removeSegments(appliedThrough: applied) } catch {
            throw .ioFailed(error)
        }
    }

    /// Makes all durable that is queued and has room, writes the last promise, and returns when nothing runs any more.
    /// Appends that come later, or found no room, fail with `closed`.
    package nonisolated(nonsending) func close() async {
        shared.beginClosing()
        for part in parts { await part.value }
        // A file in the making that cannot be removed is removed by the next recovery.
        try? await keeper.discard()
    }
}
