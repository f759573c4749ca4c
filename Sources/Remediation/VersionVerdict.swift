internal import AWSProtocol
package import Domain
package import FailureStore

/// What S3 says of one object version.
package enum VersionAnswer: Hashable, Sendable {
    case found(ObjectHeadFacts)
    /// 405 to HEAD.
    case deleteMarker
    /// 400 to HEAD: encrypted with the customer's own key (SSE-C).
    case customerKeyNeeded
    /// 404, and a listing of all its versions does not have it.
    case absent(at: Timestamp)
    /// 404, although a listing has it.
    case contradicted
}

/// What of an answer to HEAD says anything here.
package struct ObjectHeadFacts: Hashable, Sendable {
    /// S3's clock.
    package var date: Timestamp
    /// `x-amz-replication-status`, verbatim.
    package var status: String?
    /// In a storage class that Batch Replication cannot read before it is restored.
    package var isArchived = false

    package init(date: Timestamp, status: String?, isArchived: Bool = false) {
        self.date = date
        self.status = status
        self.isArchived = isArchived
    }

    init(_ head: ObjectHead) {
        date = head.date
        status = head.replicationStatus
        let isRestored = head.restore?.contains("ongoing-request=\"false\"") == true
        let isDeep = ["GLACIER", "DEEP_ARCHIVE"].contains(head.storageClass ?? "")
        isArchived = (isDeep && !isRestored) || head.archiveStatus != nil
    }
}

/// What is known beside a version's own answer.
package struct VerdictContext: Sendable {
    package var now: Timestamp
    /// The buckets that the enabled rules of the source bucket replicate to; nil when that is not known.
    package var destinations: Set<String>?
    /// The job that had the version last.
    package var job: RemediationRun.Job?
    package var patience: RemediationPatience
    /// An operator has to confirm that versions are gone.
    package var isGoneHeld = false

    package init(
        now: Timestamp, destinations: Set<String>?, job: RemediationRun.Job?,
        patience: RemediationPatience
    ) {
        self.now = now
        self.destinations = destinations
        self.job = job
        self.patience = patience
    }
}

/// What an answer means for a failure that is verifying; what decides nothing waits until `retryAt`.
package func verdict(
    _ answer: VersionAnswer, on stored: StoredFailure, _ context: VerdictContext,
    retryAt: Timestamp
) -> VerificationResult {
    var result = VerificationResult(
        identity: stored.identity, occurrence: nil, retryAt: retryAt)
    let failure = stored.failure
    // An event since the job's creation is of the job, or of something later.
    let hasFailedSince = context.job?.createdAt.map { failure.lastFailedAt >= $0 } ?? false
    switch answer {
    case .found(let head):
        switch head.status {
        case nil: result.occurrence = .head(.noStatus)
        case "COMPLETED", "COMPLETE":
            // `Date` has whole seconds: an answer from the second of the failure may be older than it.
            let isUndecided =
                head.date <= failure.lastFailedAt
                && failure.lastFailedAt < head.date.advanced(byMilliseconds: 1000)
            if !isUndecided { result.occurrence = .head(.completed(at: head.date)) }
        case "FAILED":
            // The status is one for all destinations.
            let possible = context.destinations?.union([stored.identity.destinationBucket])
            if possible?.count == 1 || hasFailedSince {
                result.occurrence = .head(.failedOurs)
            } else {
                result.note = "otherDestinationFailing"
            }
        // REPLICA says that the source is itself a replica, nothing of this rule.
        default: break
        }
    case .deleteMarker, .customerKeyNeeded:
        tellNothing(failure, context, hasFailedSince: hasFailedSince, &result)
    case .absent(let time):
        if context.isGoneHeld {
            result.note = "goneNotConfirmed"
        } else {
            result.occurrence = .head(.absent(at: time))
        }
    case .contradicted: break
    }
    return result
}

/// HEAD can say nothing of such versions: the row closes them, once the hour has passed in which S3 would have told
/// that the replication failed.
private func tellNothing(
    _ failure: Failure, _ context: VerdictContext, hasFailedSince: Bool,
    _ result: inout VerificationResult
) {
    guard let row = failure.lastTask, row.status == "succeeded", row.jobID == context.job?.jobID,
        let created = context.job?.createdAt
    else {
        result.note = "headTellsNothing"
        return
    }
    let quietAt = row.at.advanced(byMilliseconds: context.patience.quiet)
    if hasFailedSince {
        result.occurrence = .head(.failedOurs)
    } else if context.now >= quietAt {
        result.occurrence = .closedOnRow(evidence: .report, at: created)
    } else {
        result.note = "headTellsNothing"
        result.retryAt = quietAt
    }
}

/// What an answer means for a failure that is about to be selected: nil leaves it in the plan.
package func precheckFinding(_ answer: VersionAnswer) -> HeadFinding? {
    switch answer {
    case .found(let head):
        if head.status == "COMPLETED" || head.status == "COMPLETE" {
            return .completed(at: head.date)
        }
        return head.isArchived ? .archived : nil
    case .absent(let time): return .absent(at: time)
    case .deleteMarker, .customerKeyNeeded, .contradicted: return nil
    }
}
