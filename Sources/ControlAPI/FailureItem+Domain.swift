package import Domain

extension FailureItem {
    /// A stored failure as it is shown.
    package init(_ identity: FailureIdentity, _ failure: Failure) {
        sourceBucket = identity.rule.sourceBucket
        ruleId = identity.rule.ruleID
        destinationBucket = identity.destinationBucket
        key = identity.key.text
        keyEncoded = identity.key.encoded
        versionId = identity.versionID
        state = failure.state.name
        reason = failure.reason.isEmpty ? nil : failure.reason
        reasonClass = Domain.reasonClass(of: failure.reason).rawValue
        size = failure.size
        eTag = failure.eTag
        operation = failure.operation
        firstFailedAt = failure.firstFailedAt
        lastFailedAt = failure.lastFailedAt
        failureCount = failure.failureCount
        remediationId = failure.remediationID
        lastTask = failure.lastTask.map { task in
            Task(
                jobId: task.jobID, status: task.status, httpStatus: task.httpStatus,
                code: task.code, message: task.message, at: task.at)
        }
        closedAt = failure.closedAt
        evidence = failure.evidence?.name
        note = failure.note
    }
}
