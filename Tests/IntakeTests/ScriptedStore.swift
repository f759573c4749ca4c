import Domain
import FailureStore
import Synchronization

/// The real store behind a script that may refuse a batch; tells what was applied. Answers no questions.
final class ScriptedStore: FailureStoring {
    let base: SQLiteFailureStore
    /// The refusal of a batch, if any; the number says which attempt this is, from 1 on.
    private let refusal: @Sendable (StoreBatch, Int) -> StoreFailure?
    private let attempts = Mutex(0)
    private let told: AsyncStream<UInt64>.Continuation
    /// The applied LSN after each batch that went through.
    let applied: AsyncStream<UInt64>
    private let tellSweep: AsyncStream<SweepSummary>.Continuation
    /// What each sweep that was answered has let go.
    let swept: AsyncStream<SweepSummary>

    init(
        _ base: SQLiteFailureStore,
        refusal: @escaping @Sendable (StoreBatch, Int) -> StoreFailure? = { _, _ in nil }
    ) {
        self.base = base
        self.refusal = refusal
        (applied, told) = AsyncStream.makeStream()
        (swept, tellSweep) = AsyncStream.makeStream()
    }

    /// Returns once everything up to `lsn` is applied.
    func waitUntilApplied(_ lsn: UInt64) async {
        for await reached in applied where reached >= lsn { return }
    }

    func apply(_ batch: StoreBatch) async throws(StoreFailure) -> ApplySummary {
        let attempt = attempts.withLock { count in
            count += 1
            return count
        }
        if let failure = refusal(batch, attempt) { throw failure }
        let summary = try await base.apply(batch)
        told.yield(summary.appliedLSN)
        return summary
    }

    /// What sweeps answer, in turn; then the real store does.
    let sweepsLeft = Mutex<[Result<SweepSummary, StoreFailure>]>([])
    /// When a sweep was asked for.
    let sweeps = Mutex<[Timestamp]>([])

    func sweep(at now: Timestamp) async throws(StoreFailure) -> SweepSummary {
        sweeps.withLock { $0.append(now) }
        let scripted = sweepsLeft.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        let summary =
            if let scripted { try scripted.get() } else { try await base.sweep(at: now) }
        tellSweep.yield(summary)
        return summary
    }

    /// How often a checkpoint was asked for.
    let checkpoints = Mutex(0)

    func checkpoint() async throws(StoreFailure) {
        checkpoints.withLock { $0 += 1 }
        try await base.checkpoint()
    }

    private static let unasked = StoreFailure.refused("a flusher does not ask for this")

    func mark() async throws(StoreFailure) -> StoreWatermark { throw Self.unasked }
    func adoptLogID(_: [UInt8]) async throws(StoreFailure) { throw Self.unasked }
    func recognize(queueURLs: Set<String>) async throws(StoreFailure) {
        try await base.recognize(queueURLs: queueURLs)
    }
    func pauseIntake(until: Timestamp?) async throws(StoreFailure) { throw Self.unasked }
    func page(_: FailureQuery) async throws(StoreFailure) -> FailurePage { throw Self.unasked }
    func rules(_: RuleName?) async throws(StoreFailure) -> [RuleOverview] { throw Self.unasked }
    func overview() async throws(StoreFailure) -> StoreOverview { throw Self.unasked }
    func timeline(
        bucket: String, key: ObjectKey, version: String, after: Int64?, limit: Int
    ) async throws(StoreFailure) -> TimelinePage { throw Self.unasked }
    func quarantined(after: Int64, limit: Int) async throws(StoreFailure) -> QuarantinePage {
        throw Self.unasked
    }
    func dropQuarantined(_: Int64) async throws(StoreFailure) -> Bool { throw Self.unasked }
    func histogram(_: HistogramQuery) async throws(StoreFailure) -> Histogram {
        throw Self.unasked
    }
    func survey(
        _: OperatorDecision, _: FailureSelection
    ) async throws(StoreFailure) -> DecisionSurvey { throw Self.unasked }
    func carryOut(
        _: OperatorDecision, _: FailureSelection, counted: DecisionSurvey, after: String?
    ) async throws(StoreFailure) -> DecisionStep { throw Self.unasked }
    func answer(to: KeyedRequest) async throws(StoreFailure) -> KeptAnswer? { throw Self.unasked }
    func keep(_: KeptAnswer.Reply, to: KeyedRequest) async throws(StoreFailure) {
        throw Self.unasked
    }
    func save(_: RemediationRun) async throws(StoreFailure) { throw Self.unasked }
    func begin(_: RemediationRun, for: KeyedRequest?) async throws(StoreFailure) {
        throw Self.unasked
    }
    func remediation(_: String) async throws(StoreFailure) -> StoredRemediation? {
        throw Self.unasked
    }
    func remediations(
        before: Int64?, limit: Int
    ) async throws(StoreFailure) -> RemediationPage { throw Self.unasked }
    func unfinishedRemediations() async throws(StoreFailure) -> UnfinishedRemediations {
        throw Self.unasked
    }
    func plan(_: FailureSelection) async throws(StoreFailure) -> SelectionPlan {
        throw Self.unasked
    }
    func selectNext(
        for: RemediationRun, limit: Int
    ) async throws(StoreFailure) -> (run: RemediationRun, isComplete: Bool) { throw Self.unasked }
    func ask(
        _: RemediationRun.Wish, of: String, by: String, at: Timestamp
    ) async throws(StoreFailure) -> Bool { throw Self.unasked }
    func manifestPage(
        of: String, after: (key: ObjectKey, versionID: String)?, limit: Int
    ) async throws(StoreFailure) -> ManifestPage { throw Self.unasked }
    func takeIn(
        _: [ReportedTask], of: String, rule: RuleName, at: Timestamp
    ) async throws(StoreFailure) -> Int { throw Self.unasked }
    func settle(
        _: String, _: FailureState, _: FailureOccurrence, succeededIn: String?, after: String?,
        limit: Int, at: Timestamp
    ) async throws(StoreFailure) -> String? { throw Self.unasked }
    func dueVerifications(
        of: String?, _: VerificationQuestion, at: Timestamp, limit: Int
    ) async throws(StoreFailure) -> [DueVerification] { throw Self.unasked }
    func nextVerification(
        of: String?, _: VerificationQuestion
    ) async throws(StoreFailure) -> Timestamp? { throw Self.unasked }
    func record(
        _: [VerificationResult], at: Timestamp
    ) async throws(StoreFailure) -> [FailureState: Int64] { throw Self.unasked }
    func release(_: String, limit: Int) async throws(StoreFailure) -> Int { throw Self.unasked }
}
