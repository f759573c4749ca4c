package import Domain

/// The protocol's questions, answered by the reader on its own executor.
extension SQLiteFailureStore: FailureStoring {
    package nonisolated func page(_ query: FailureQuery) async throws(StoreFailure)
        -> FailurePage
    {
        try await reader.page(query)
    }

    package nonisolated func rules(_ only: RuleName?) async throws(StoreFailure)
        -> [RuleOverview]
    {
        try await reader.rules(only)
    }

    package nonisolated func overview() async throws(StoreFailure) -> StoreOverview {
        try await reader.overview()
    }

    package nonisolated func timeline(
        bucket: String, key: ObjectKey, version: String, after: Int64?, limit: Int
    ) async throws(StoreFailure) -> TimelinePage {
        try await reader.timeline(
            bucket: bucket, key: key, version: version, after: after, limit: limit)
    }

    package nonisolated func quarantined(
        after id: Int64, limit: Int
    ) async throws(StoreFailure) -> QuarantinePage {
        try await reader.quarantined(after: id, limit: limit)
    }

    package nonisolated func remediation(_ id: String) async throws(StoreFailure)
        -> StoredRemediation?
    {
        try await reader.remediation(id)
    }

    package nonisolated func remediations(
        before sequence: Int64?, limit: Int
    ) async throws(StoreFailure) -> RemediationPage {
        try await reader.remediations(before: sequence, limit: limit)
    }

    package nonisolated func unfinishedRemediations() async throws(StoreFailure)
        -> UnfinishedRemediations
    {
        try await reader.unfinishedRemediations()
    }

    package nonisolated func histogram(
        _ query: HistogramQuery
    ) async throws(StoreFailure) -> Histogram {
        try await reader.histogram(query)
    }

    package nonisolated func survey(
        _ decision: OperatorDecision, _ selection: FailureSelection
    ) async throws(StoreFailure) -> DecisionSurvey {
        try await reader.survey(decision, selection)
    }

    package nonisolated func plan(
        _ selection: FailureSelection
    ) async throws(StoreFailure) -> SelectionPlan {
        try await reader.plan(selection)
    }

    package nonisolated func dueVerifications(
        of run: String?, _ which: VerificationQuestion, at now: Timestamp, limit: Int
    ) async throws(StoreFailure) -> [DueVerification] {
        try await reader.dueVerifications(of: run, which, at: now, limit: limit)
    }

    package nonisolated func nextVerification(
        of run: String?, _ which: VerificationQuestion
    ) async throws(StoreFailure) -> Timestamp? {
        try await reader.nextVerification(of: run, which)
    }
}
