internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Logging

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
        var refusal: String?
        repeat {
            let page = try await storing { () async throws(StoreFailure) in
                try await store.held(by: run.id, states: [.verifying], after: cursor, limit: 500)
            }
            let round = await findings(page.failures, run, destinations, calls)
            let current = run
            run = try await storing { () async throws(StoreFailure) in
                try await store.apply(round.findings, run: current, at: now) ?? current
            }
            if let trouble = round.trouble { throw trouble }
            waiting += page.failures.count - round.findings.count
            refusal = refusal ?? round.refusal
            cursor = page.nextCursor
        } while cursor != nil
        let ended = run.job?.endedAt ?? now
        let isOverdue =
            now.milliseconds - ended.milliseconds > verifyTimeoutMilliseconds
        guard waiting == 0 || isOverdue else {
            if let refusal { throw .refused(refusal) }
            return (run, true)
        }
        return try await proceed(run, .verified(at: now))
    }

    private typealias Round = (
        findings: [(identity: FailureIdentity, finding: HeadFinding)], refusal: String?,
        trouble: StepFailure?
    )

    /// What S3 says of a page of versions. One that S3 refuses to speak of waits and holds up no other; any other
    /// trouble ends the round with what was found before it.
    private func findings(
        _ page: [StoredFailure], _ run: RemediationRun, _ destinations: Set<String>?,
        _ calls: RemediationCalls
    ) async -> Round {
        var round: Round = ([], nil, nil)
        for found in page {
            guard !Task.isCancelled else {
                round.trouble = .cancelled
                return round
            }
            do throws(StepFailure) {
                if let finding = try await finding(found, run, destinations, calls) {
                    round.findings.append((found.identity, finding))
                }
            } catch .refused(let sentence) {
                log.debug(
                    "S3 refuses to speak of a version",
                    metadata: [
                        "remediation": "\(run.id)", "key": "\(found.identity.key.encoded)",
                        "version": "\(found.identity.versionID)", "problem": "\(sentence)",
                    ])
                round.refusal = round.refusal ?? sentence
            } catch {
                round.trouble = error
                return round
            }
        }
        return round
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
            // REPLICA says that the source is itself a replica, nothing of this rule: it waits.
            case "COMPLETED", "COMPLETE":
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
