import Domain
import Intake
import LogRecords
import Logging
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

@testable import FailureStore

struct FlusherCancellationTests {
    let directory = TemporaryDirectory()

    @Test func `a flusher that is cancelled while the store is away applies nothing behind that`()
        async throws
    {
        let log = try SegmentedLog.open(
            directory: StateDirectory.lock(
                directory.path, fileSystem: PosixFileSystem(), holder: "test"),
            clock: SystemClock(), random: SystemRandom(), executor: QueueExecutor.blocking("log"),
            helper: QueueExecutor.blocking("segments"), options: LogOptions(),
            store: StoreMark(logID: nil, appliedLSN: LSN(0))
        ).log
        let store = AbsentAtFirst()
        let flusher = Flusher(
            log: log, store: store, applied: 0, clock: SystemClock(),
            executor: .blocking("flusher"), logger: Logger(label: "test"))
        let payload = LogPayload.event(failureEvent()).encode()
        _ = try await log.append([payload])
        let flushing = Task { try await flusher.run() }
        for await _ in store.refusals { break }
        _ = try await log.append([payload])
        flushing.cancel()
        await log.close()
        try await flushing.value
        #expect(await store.applied == [])
    }
}

/// A store that takes nothing the first time, and everything from then on.
private actor AbsentAtFirst: FailureStoring {
    private(set) var applied: [UInt64] = []
    private var wasAsked = false
    nonisolated let refusals: AsyncStream<Void>
    private let refused: AsyncStream<Void>.Continuation

    init() {
        (refusals, refused) = AsyncStream.makeStream()
    }

    func apply(_ batch: StoreBatch) throws(StoreFailure) -> ApplySummary {
        guard wasAsked else {
            wasAsked = true
            refused.yield()
            throw .unavailable("away")
        }
        applied += batch.records.map(\.lsn)
        return ApplySummary(appliedLSN: applied.last ?? 0)
    }

    private let unasked = StoreFailure.failed("the flusher asks for nothing else")

    func mark() throws(StoreFailure) -> StoreWatermark { throw unasked }
    func adoptLogID(_ id: [UInt8]) throws(StoreFailure) { throw unasked }
    func page(_ query: FailureQuery) throws(StoreFailure) -> FailurePage { throw unasked }
    func rules(_ only: RuleName?) throws(StoreFailure) -> [RuleOverview] { throw unasked }
    func overview() throws(StoreFailure) -> StoreOverview { throw unasked }
    func timeline(
        bucket: String, key: ObjectKey, version: String, after: Int64?, limit: Int
    ) throws(StoreFailure) -> TimelinePage { throw unasked }
    func quarantined(after id: Int64, limit: Int) throws(StoreFailure) -> QuarantinePage {
        throw unasked
    }
    func sweep(at now: Timestamp) throws(StoreFailure) -> SweepSummary { throw unasked }
    func save(_ run: RemediationRun) throws(StoreFailure) { throw unasked }
    func remediation(_ id: String) throws(StoreFailure) -> StoredRemediation? { throw unasked }
    func remediations(
        before sequence: Int64?, limit: Int
    ) throws(StoreFailure) -> [StoredRemediation] { throw unasked }
    func unfinishedRemediations() throws(StoreFailure) -> [RemediationRun] { throw unasked }
    func plan(_ selection: FailureSelection) throws(StoreFailure) -> SelectionPlan { throw unasked }
    func selectNext(
        for run: RemediationRun, limit: Int
    ) throws(StoreFailure) -> (run: RemediationRun, isComplete: Bool) { throw unasked }
    func held(
        by run: String, states: Set<FailureState>, after cursor: String?, limit: Int
    ) throws(StoreFailure) -> FailurePage { throw unasked }
    func settle(
        _ run: String, _ occurrence: FailureOccurrence, limit: Int, at: Timestamp
    ) throws(StoreFailure) -> Int { throw unasked }
    func apply(
        _ findings: [(identity: FailureIdentity, finding: HeadFinding)], run: RemediationRun?,
        at: Timestamp
    ) throws(StoreFailure) -> RemediationRun? { throw unasked }
}
