package import Domain

extension RemediationItem.Cost {
    /// $0.25 a job and $1 per million objects; what else AWS bills is named.
    /// Source: Amazon S3 pricing, "Management & insights", S3 Batch Operations.
    package init(objects: Int64) {
        jobsUSD = objects == 0 ? 0 : 0.25 + Double(objects) / 1_000_000
        notIncluded = ["requests", "data transfer", "KMS", "storage at the destination"]
    }
}

extension RemediationItem {
    /// - Parameter verifying: its failures that wait for a HEAD.
    package init(_ run: RemediationRun, verifying: Int64) {
        id = run.id
        sourceBucket = run.rule.sourceBucket
        ruleId = run.rule.ruleID
        state = run.state.rawValue
        filter = FailureFilter(run.selection)
        objects = run.objects
        bytes = run.bytes
        estimatedCost = Cost(objects: run.objects)
        jobs = run.manifest == nil ? [] : [Job(run)]
        heldBack = []
        outcome = Outcome()
        outcome.replicated = run.outcome.replicated
        outcome.failedAgain = run.outcome.failedAgain
        outcome.gone = run.outcome.gone
        outcome.parked = run.outcome.parked
        outcome.verifying = verifying
        createdAt = run.createdAt
        createdBy = run.createdBy
        finishedAt = run.finishedAt
        problem = run.problem
    }
}

extension RemediationItem.Job {
    fileprivate init(_ run: RemediationRun) {
        role = "main"
        jobId = run.job?.jobID
        status = run.job?.status
        manifest = run.manifest.map {
            Manifest(bucket: $0.bucket, key: $0.key, eTag: $0.eTag, versionId: $0.versionID)
        }
        tasks = run.job?.tasks.map {
            Tasks(total: $0.total, succeeded: $0.succeeded, failed: $0.failed)
        }
        problem = run.job?.problem
    }
}
