package import Domain

extension RemediationItem.Cost {
    /// $0.25 a job and $1 per million objects; what else AWS bills is named.
    /// Source: Amazon S3 pricing, "Management & insights", S3 Batch Operations.
    package init(objects: Int64, hasCanary: Bool) {
        let jobs = objects == 0 ? 0 : hasCanary ? 2.0 : 1.0
        jobsUSD = 0.25 * jobs + Double(objects) / 1_000_000
        notIncluded = ["requests", "data transfer", "KMS", "storage at the destination"]
    }
}

extension RemediationItem {
    package init(_ run: RemediationRun, _ tally: RemediationTally) {
        id = run.id
        sourceBucket = run.rule.sourceBucket
        ruleId = run.rule.ruleID
        state = run.state.rawValue
        filter = FailureFilter(run.selection)
        canary = run.options.canary
        objects = run.objects
        bytes = run.bytes
        estimatedCost = Cost(objects: run.objects, hasCanary: run.options.canary != nil)
        jobs = run.jobs.map(Job.init)
        heldBack = (run.canary?.heldBack ?? []).map { held in
            HeldBack(
                reason: held.group.reason, destinationBucket: held.group.destinationBucket,
                objects: held.objects)
        }
        outcome = Outcome()
        outcome.replicated = tally[.replicated] + run.precheck.replicated
        outcome.failedAgain = tally[.failedAgain]
        outcome.gone = tally[.gone] + run.precheck.gone
        outcome.parked = tally[.parked] + run.precheck.parked
        outcome.verifying = tally[.verifying]
        createdAt = run.createdAt
        createdBy = run.createdBy
        finishedAt = run.finishedAt
        problem = run.problem ?? run.jobs.last { $0.problem != nil }?.problem
    }
}

extension RemediationItem.Job {
    fileprivate init(_ job: RemediationRun.Job) {
        role = job.role.rawValue
        jobId = job.jobID
        status = job.status
        manifest = job.manifest.map {
            Manifest(bucket: $0.bucket, key: $0.key, eTag: $0.eTag, versionId: $0.versionID)
        }
        tasks = job.tasks.map {
            Tasks(total: $0.total, succeeded: $0.succeeded, failed: $0.failed)
        }
        report = job.report.map { Report(bucket: $0.bucket, key: $0.key) }
        problem = job.problem
    }
}
