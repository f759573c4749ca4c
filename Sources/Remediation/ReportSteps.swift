internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Manifests

// The completion report: read to its end, row by row, before anything is concluded from what it lacks.
extension RemediationWorker {
    /// Readings of a damaged report before it is given up.
    private static let patienceWithDamage = 3

    func readReport(
        _ run: RemediationRun, _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        guard let job = run.currentJob, let id = job.jobID else {
            return Step(run: run, next: .poll)
        }
        if job.ranNothing { return try await withoutReport(run, problem: nil) }
        let key = CompletionReport.listKey(prefix: settings.reportPrefix, jobID: id)
        guard let bytes = try await calls.reportList(key) else {
            switch run.withoutReport(at: now, settings.patience) {
            case .giveUp(let problem): return try await withoutReport(run, problem: problem)
            case .wait(let problem): return Step(run: run, next: .poll, problem: problem)
            }
        }
        do throws(ReportTrouble) {
            let report = try await read(bytes, key, of: run, job: id, calls)
            damagedReports[run.id] = nil
            do throws(StepFailure) {
                return try await proceed(run, .reportRead(report))
            } catch {
                throw .step(error)
            }
        } catch {
            switch error {
            case .step(let failure): throw failure
            case .damaged(let sentence): return try await damaged(run, sentence)
            }
        }
    }

    private func read(
        _ list: [UInt8], _ key: ObjectKey, of run: RemediationRun, job: String,
        _ calls: RemediationCalls
    ) async throws(ReportTrouble) -> RemediationRun.Report {
        let files: [CompletionReport.File]
        do {
            files = try CompletionReport(
                parsing: list, bucket: settings.reportBucket, prefix: settings.reportPrefix,
                jobID: job
            ).files
        } catch {
            throw .damaged("\(error)")
        }
        var report = RemediationRun.Report(bucket: settings.reportBucket, key: key.text)
        let look = await lanes.rules(of: run.rule.sourceBucket, region: run.region)
        for file in files {
            try await read(file, of: run, job: job, look.hasOneRule, calls, &report)
        }
        return report
    }

    private func damaged(_ run: RemediationRun, _ sentence: String) async throws(StepFailure)
        -> Step
    {
        let times = (damagedReports[run.id] ?? 0) + 1
        damagedReports[run.id] = times
        let problem = "the completion report is damaged: \(sentence)"
        guard times >= Self.patienceWithDamage else {
            return Step(run: run, next: .poll, problem: problem)
        }
        damagedReports[run.id] = nil
        return try await withoutReport(
            run, problem: problem + ": each version's own status decides")
    }

    private func withoutReport(
        _ run: RemediationRun, problem: String?
    ) async throws(StepFailure) -> Step {
        try await storing { () async throws(StoreFailure) in
            try await settleAll(run, .submitted, .reportMissing)
        }
        return try await proceed(run, .reportMissing(problem: problem))
    }

    private enum ReportTrouble: Error {
        case step(StepFailure)
        case damaged(String)
    }

    /// One file, checked before its first row is taken in.
    private func read(
        _ file: CompletionReport.File, of run: RemediationRun, job: String, _ hasOneRule: Bool,
        _ calls: RemediationCalls, _ report: inout RemediationRun.Report
    ) async throws(ReportTrouble) {
        var reader = ReportReader()
        let stream = try await reading { () async throws(ObjectStreamFailure) in
            try await S3ObjectStream.open(
                calls.s3, bucket: file.bucket, key: file.key, md5: file.md5)
        }
        var isOver = false
        while !isOver {
            let piece = try await reading { () async throws(ObjectStreamFailure) in
                try await stream.next()
            }
            isOver = piece == nil
            let rows = piece.map { reader.feed($0) } ?? reader.finish()
            do throws(StepFailure) {
                try await takeIn(rows, of: run, job: job, hasOneRule, &report)
            } catch {
                throw .step(error)
            }
        }
        report.malformed += reader.malformedRows
    }

    private func reading<Value>(
        _ work: () async throws(ObjectStreamFailure) -> Value
    ) async throws(ReportTrouble) -> Value {
        do {
            return try await work()
        } catch {
            switch error {
            case .damaged(let sentence): throw .damaged(sentence)
            // The list names it, so it should be there.
            case .aws(let failure) where failure.code == "NoSuchKey": throw .damaged("\(failure)")
            case .aws(let failure): throw .step(stepFailure(failure))
            }
        }
    }

    private func takeIn(
        _ rows: [ReportRow], of run: RemediationRun, job: String, _ hasOneRule: Bool,
        _ report: inout RemediationRun.Report
    ) async throws(StepFailure) {
        let chunk = 5_000
        var tasks: [ReportedTask] = []
        for row in rows {
            report.rows += 1
            guard row.bucket == run.rule.sourceBucket else {
                report.outside += 1
                continue
            }
            let task = reported(row, job: job, hasOneRule)
            if row.status == .failed, task.kind == .job {
                report.jobCodes[row.code ?? "", default: 0] += 1
            }
            tasks.append(task)
        }
        for start in stride(from: 0, to: tasks.count, by: chunk) {
            let part = Array(tasks[start..<min(tasks.count, start + chunk)])
            report.outside += Int64(
                try await storing { () async throws(StoreFailure) in
                    try await store.takeIn(part, of: run.id, rule: run.rule, at: now)
                })
            guard !Task.isCancelled else { throw .cancelled }
        }
    }

    /// A row speaks of an object, not of a rule: its code is the failure's reason only where one rule is possible, and
    /// never when it speaks of the job.
    private func reported(_ row: ReportRow, job: String, _ hasOneRule: Bool) -> ReportedTask {
        let kind = row.code.map { reasonClass(of: $0) } ?? .unknown
        let isReason = hasOneRule && kind != .job && kind != .unknown && row.status == .failed
        return ReportedTask(
            version: ObjectVersion(key: row.key, versionID: row.versionID),
            task: TaskOutcome(
                jobID: job, status: row.status.rawValue, httpStatus: row.httpStatus,
                code: row.code.map { String($0.prefix(100)) },
                message: row.message.isEmpty ? nil : String(row.message.prefix(500)), at: now),
            kind: kind, reason: isReason ? row.code : nil)
    }

    /// Only a complete report says by its silence that a version was never tried.
    func returnRest(_ run: RemediationRun) async throws(StepFailure) -> Step {
        let job = run.currentJob
        let read = (job?.report?.rows ?? 0) + (job?.report?.malformed ?? 0)
        let ran = job?.tasks.map { $0.succeeded + $0.failed } ?? read
        let isComplete = read >= ran && job?.report?.malformed == 0
        try await storing { () async throws(StoreFailure) in
            try await settleAll(run, .submitted, isComplete ? .leftOut : .reportMissing)
        }
        return try await proceed(run, .restReturned)
    }
}

extension BucketLook {
    /// Then a failed row can only be that rule's.
    fileprivate var hasOneRule: Bool { rules?.filter(\.isEnabled).count == 1 }
}
