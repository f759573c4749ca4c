internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Manifests

// The steps: each does one action of the run's state and stores what came of it.
extension RemediationWorker {
    typealias Step = (run: RemediationRun, mustWait: Bool)

    func step(_ run: RemediationRun) async throws(StepFailure) -> Step {
        let calls = calls(in: run.region)
        switch run.nextAction {
        case .selectFailures: return try await select(run)
        case .writeManifest:
            let manifest = try await calls.putManifest(run) { ManifestReading(run, store) }
            return try await proceed(run, .manifestWritten(manifest))
        case .prepareJob(let manifest):
            let account = try await self.account(calls)
            return try await proceed(
                run, .jobPrepared(request: calls.jobRequest(run, manifest, account: account)))
        case .createJob(let request): return try await createJob(run, request, calls)
        case .describeJob(let id): return try await follow(run, id, calls)
        case .verify: return try await verify(run, calls)
        case .nothing: return (run, true)
        }
    }

    func proceed(
        _ run: RemediationRun, _ event: RemediationEvent
    ) async throws(StepFailure) -> Step {
        var next = run
        if next.apply(event) { try await save(next) }
        return (next, false)
    }

    func select(_ run: RemediationRun) async throws(StepFailure) -> Step {
        let chunk = 10_000
        let result = try await storing { () async throws(StoreFailure) in
            try await store.selectNext(for: run, limit: chunk)
        }
        guard result.isComplete else { return (result.run, false) }
        guard result.run.objects > 0 else {
            throw .refused("no open failure of \(run.rule) matches any more: nothing to do")
        }
        return try await proceed(result.run, .selected)
    }

    /// Looks up a job that may exist. A refusal of that says nothing of the job: giving the failures back would let a
    /// second job run over them, so it is waited out.
    func createJob(
        _ run: RemediationRun, _ request: [UInt8], _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        if mayHaveSent.contains(run.id) {
            var known: String?
            do throws(StepFailure) {
                known = try await calls.findJob(run, account: try await account(calls))
            } catch .refused(let sentence) {
                throw .temporary(sentence)
            }
            if let known { return try await proceed(run, .jobFound(id: known)) }
        }
        let id = try await calls.createJob(run, request, account: try await account(calls))
        return try await proceed(run, .jobFound(id: id))
    }

    func follow(
        _ run: RemediationRun, _ id: String, _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        let account = try await self.account(calls)
        let job = try await calls.describeJob(id, account: account)
        let problem = job.failureReasons.first.map { "\($0.code): \($0.reason)" }
        if job.hasEnded {
            // The report is not read: what HEAD says of each version decides.
            do {
                try await settleAll(run, .reportMissing)
            } catch {
                throw .temporary("\(error)")
            }
        }
        let tasks = job.progress.map {
            RemediationRun.Tasks(total: $0.total, succeeded: $0.succeeded, failed: $0.failed)
        }
        let step = try await proceed(
            run,
            .jobDescribed(
                status: job.status, createdAt: job.creationTime, tasks: tasks,
                problem: problem ?? job.suspendedCause, at: now))
        return (step.run, !job.hasEnded)
    }

    func settleAll(
        _ run: RemediationRun, _ occurrence: FailureOccurrence
    ) async throws(StoreFailure) {
        let chunk = 10_000
        while try await store.settle(run.id, occurrence, limit: chunk, at: now) == chunk {}
    }

    func calls(in region: String) -> RemediationCalls {
        if let known = calls[region] { return known }
        let made = RemediationCalls(settings: settings, caller: makeCaller(region))
        calls[region] = made
        return made
    }

    func account(_ calls: RemediationCalls) async throws(StepFailure) -> String {
        if let account { return account }
        let found = try await calls.account()
        account = found
        return found
    }

    func storing<Value>(
        _ work: () async throws(StoreFailure) -> Value
    ) async throws(StepFailure) -> Value {
        do {
            return try await work()
        } catch {
            throw .temporary("\(error)")
        }
    }
}
