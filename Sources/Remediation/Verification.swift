internal import AWSProtocol
internal import Domain
internal import FailureStore

/// After it a remediation finishes with what is still verifying.
private let verifyTimeoutMilliseconds: Int64 = 24 * 3_600_000

// Verification: S3's word on each object version, and nothing else, closes a failure.
extension RemediationWorker {
    func verify(
        _ start: RemediationRun, _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        let destinations = try? await calls.destinations(of: start.rule.sourceBucket)
        var run = start
        var cursor: String?
        var waiting = 0
        repeat {
            let page = try await storing { () async throws(StoreFailure) in
                try await store.held(by: run.id, states: [.verifying], after: cursor, limit: 500)
            }
            var findings: [(identity: FailureIdentity, finding: HeadFinding)] = []
            for found in page.failures {
                guard !Task.isCancelled else { throw .cancelled }
                let finding = try await finding(found, run, destinations, calls)
                if let finding {
                    findings.append((found.identity, finding))
                } else {
                    waiting += 1
                }
            }
            let ready = findings
            let current = run
            run = try await storing { () async throws(StoreFailure) in
                try await store.apply(ready, run: current, at: now) ?? current
            }
            cursor = page.nextCursor
        } while cursor != nil
        let ended = run.job?.endedAt ?? now
        let isOverdue =
            now.milliseconds - ended.milliseconds > verifyTimeoutMilliseconds
        guard waiting == 0 || isOverdue else { return (run, true) }
        return try await proceed(run, .verified(at: now))
    }

    /// What S3 says of one version; nil while it says nothing that decides.
    private func finding(
        _ found: StoredFailure, _ run: RemediationRun, _ destinations: Set<String>?,
        _ calls: RemediationCalls
    ) async throws(StepFailure) -> HeadFinding? {
        switch try await calls.head(found.identity) {
        case .absent(let date):
            return try await calls.isProvedAbsent(found.identity) ? .absent(at: date) : nil
        case .deleteMarker, .customerKeyNeeded:
            return nil
        case .found(let head):
            guard let status = head.replicationStatus else { return .noStatus }
            switch status {
            case "COMPLETED", "COMPLETE", "REPLICA":
                // `Date` has whole seconds: an answer from the second of the failure may be older than it.
                let second: Int64 = 1000
                let lastFailed = found.failure.lastFailedAt
                let isUndecided =
                    head.date <= lastFailed
                    && lastFailed < head.date.advanced(byMilliseconds: second)
                return isUndecided ? nil : .completed(at: head.date)
            case "FAILED":
                let failedSince = found.failure.lastFailedAt >= run.job?.createdAt ?? run.createdAt
                let isOnlyOne = destinations?.count == 1
                return failedSince || isOnlyOne ? .failedOurs : nil
            default:
                return nil
            }
        }
    }
}
