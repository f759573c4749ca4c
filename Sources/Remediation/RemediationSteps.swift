internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Manifests

/// What a step led to.
struct Step {
    enum Next {
        case goOn
        /// Another remediation has its turn first.
        case yield
        /// Look again after a poll's length.
        case poll
        case wait(Duration)
    }

    var run: RemediationRun
    var next = Next.goOn
    /// What an operator should know while it waits.
    var problem: String?
}

// The steps: each does one action of the run's state and stores what came of it.
extension RemediationWorker {
    func step(_ run: RemediationRun) async throws(StepFailure) -> Step {
        let calls = calls(in: run.region)
        switch run.nextAction {
        case .precheck: return try await precheck(run)
        case .planCanary: return try await planCanary(run)
        case .selectFailures: return try await select(run)
        case .writeManifest: return try await writeManifest(run, calls)
        case .prepareJob(let manifest):
            let account = try await self.account(calls)
            return try await proceed(
                run, .jobPrepared(request: calls.jobRequest(run, manifest, account: account)))
        case .createJob(let request): return try await createJob(run, request, calls)
        case .describeJob(let id): return try await follow(run, id, calls)
        case .confirmJob(let id):
            try await calls.updateJob(id, to: "Ready", account: try await account(calls))
            return try await follow(run, id, calls)
        case .cancelJob(let id):
            try await calls.updateJob(id, to: "Cancelled", account: try await account(calls))
            return try await follow(run, id, calls)
        case .readReport: return try await readReport(run, calls)
        case .returnRest: return try await returnRest(run)
        case .verify: return try await verify(run, calls)
        case .awaitGoneConfirmation: return Step(run: run, next: .poll, problem: run.problem)
        case .abandon: return try await abandon(run)
        case .withdraw: return try await withdraw(run, calls)
        case .letGo:
            try await storing { () async throws(StoreFailure) in try await releaseAll(run) }
            return try await proceed(run, .abandoned(at: now))
        case .nothing: return Step(run: run, next: .poll)
        }
    }

    func proceed(
        _ run: RemediationRun, _ event: RemediationEvent
    ) async throws(StepFailure) -> Step {
        var next = run
        if next.apply(event) { try await save(next) }
        return Step(run: next)
    }

    func planCanary(_ run: RemediationRun) async throws(StepFailure) -> Step {
        var selection = run.selection
        selection.rule = run.rule
        let wanted = selection
        let plan = try await storing { () async throws(StoreFailure) in
            try await store.plan(wanted)
        }
        let groups = plan.reasons.map { reason in
            (
                group: RemediationTally.Group(
                    reason: reason.reason, destinationBucket: reason.destinationBucket),
                objects: reason.open
            )
        }
        return try await proceed(
            run, .canaryPlanned(.init(wanted: run.options.canary ?? 0, of: groups)))
    }

    func select(_ run: RemediationRun) async throws(StepFailure) -> Step {
        let chunk = 10_000
        let result = try await storing { () async throws(StoreFailure) in
            try await store.selectNext(for: run, limit: chunk)
        }
        guard result.isComplete else { return Step(run: result.run) }
        guard try await tally(run)[.submitted] == 0 else {
            return try await proceed(result.run, .selected)
        }
        guard result.run.objects + run.precheck.left > 0 else {
            throw .refused("no open failure of \(run.rule) matches any more: nothing to do")
        }
        return try await endWithoutJob(result.run)
    }

    /// There is nothing to send: what there was is closed, or held back by the canary.
    private func endWithoutJob(_ run: RemediationRun) async throws(StepFailure) -> Step {
        if run.role == .canary, run.objects > 0 {
            let passed = RemediationRun.Canary.passed(try await tally(run))
            return try await proceed(run, .canaryJudged(passed: passed))
        }
        try await storing { () async throws(StoreFailure) in try await releaseAll(run) }
        return try await proceed(run, .nothingSelected(at: now))
    }

    /// A rule may have been deleted since the plan: its job would only fail, and cost.
    func writeManifest(
        _ run: RemediationRun, _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        let tally = try await tally(run)
        guard tally[.submitted] > 0 else { return try await endWithoutJob(run) }
        let look = await lanes.rules(of: run.rule.sourceBucket, region: run.region)
        let wanted = tally.counts.filter { $0.value[.submitted] ?? 0 > 0 }
            .map(\.key.destinationBucket)
        if let sentence = look.refusal(of: run.rule, to: Set(wanted)) { throw .refused(sentence) }
        let manifest = try await calls.putManifest(run) { ManifestReading(run, store) }
        return try await proceed(run, .manifestWritten(manifest))
    }

    /// Looks a job up that may exist, and counts the account's. A refusal of that says nothing of the job: giving the
    /// failures back would let a second job run over them, so it is waited out.
    func createJob(
        _ run: RemediationRun, _ request: [UInt8], _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        let account = try await account(calls)
        let mayExist = mayHaveSent.contains(run.id)
        let jobs: [BatchJob]
        do throws(StepFailure) {
            jobs = try await calls.jobs(onlyActive: !mayExist, account: account)
        } catch .refused(let sentence) where mayExist {
            throw .temporary(sentence)
        }
        if let known = RemediationCalls.job(of: run, among: jobs) {
            return try await proceed(run, .jobFound(id: known.id))
        }
        let active = jobs.filter {
            $0.operation == "S3ReplicateObject"
                && RemediationRun.activeJobStatuses.contains($0.status)
        }.count
        guard active < settings.maximumActiveJobs else {
            return Step(
                run: run, next: .poll,
                problem:
                    "\(active) replication jobs are active in account \(account), ours and others', and "
                    + "batch.maxActiveJobs is \(settings.maximumActiveJobs): waiting for one to end"
            )
        }
        mayHaveSent.insert(run.id)
        let id = try await calls.createJob(run, request, account: account)
        mayHaveSent.remove(run.id)
        return try await proceed(run, .jobFound(id: id))
    }

    func follow(
        _ run: RemediationRun, _ id: String, _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        let account = try await account(calls)
        guard let job = try await calls.describeJob(id, account: account) else {
            var step = try await proceed(run, .jobUnknown(at: now, settings.patience))
            step.next = step.run.currentJob?.endedAt == nil ? .poll : .goOn
            step.problem = "S3 does not know job \(id) (NoSuchJob): it is new, or ended 90 days ago"
            return step
        }
        let failures = job.failureReasons.map { "\($0.code): \($0.reason)" }
        let cause = failures.isEmpty ? job.suspendedCause : failures.joined(separator: "; ")
        let tasks = job.progress.map {
            RemediationRun.Tasks(total: $0.total, succeeded: $0.succeeded, failed: $0.failed)
        }
        var step = try await proceed(
            run,
            .jobDescribed(
                .init(status: job.status, createdAt: job.creationTime, tasks: tasks, cause: cause),
                at: now))
        step.next = job.hasEnded ? .goOn : .poll
        step.problem = job.hasEnded ? nil : step.run.currentJob?.sentence
        // Asked for already, and now there is something to confirm.
        if case .confirmJob = step.run.nextAction { step.next = .goOn }
        return step
    }

    func abandon(_ run: RemediationRun) async throws(StepFailure) -> Step {
        try await storing { () async throws(StoreFailure) in
            try await settleAll(run, .submitted, .leftOut)
            try await releaseAll(run)
        }
        return try await proceed(run, .abandoned(at: now))
    }

    /// The request may have been sent: then there is a job to cancel.
    func withdraw(
        _ run: RemediationRun, _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        if mayHaveSent.contains(run.id) {
            let jobs: [BatchJob]
            do throws(StepFailure) {
                jobs = try await calls.jobs(onlyActive: false, account: try await account(calls))
            } catch .refused(let sentence) {
                throw .temporary(sentence)
            }
            if let known = RemediationCalls.job(of: run, among: jobs) {
                return try await proceed(run, .jobFound(id: known.id))
            }
        }
        return try await abandon(run)
    }

    func tally(_ run: RemediationRun) async throws(StepFailure) -> RemediationTally {
        try await storing { () async throws(StoreFailure) in
            try await store.remediation(run.id)?.tally ?? RemediationTally()
        }
    }

    func settleAll(
        _ run: RemediationRun, _ state: FailureState, _ occurrence: FailureOccurrence,
        succeededIn job: String? = nil
    ) async throws(StoreFailure) {
        var cursor: String?
        repeat {
            cursor = try await store.settle(
                run.id, state, occurrence, succeededIn: job, after: cursor, limit: 5_000, at: now)
        } while cursor != nil
    }

    func releaseAll(_ run: RemediationRun) async throws(StoreFailure) {
        let chunk = 10_000
        while try await store.release(run.id, limit: chunk) == chunk {}
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
}

/// Whatever the store has against it may be over the next time.
func storing<Value>(
    _ work: () async throws(StoreFailure) -> Value
) async throws(StepFailure) -> Value {
    do {
        return try await work()
    } catch {
        throw .temporary("\(error)")
    }
}
