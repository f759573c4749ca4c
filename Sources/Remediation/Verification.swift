internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Logging

// Verification: S3's word on each object version, and nothing else, closes a failure.
extension RemediationWorker {
    /// No sample is (any longer) what decides: every version is looked at.
    private static let noSample: Int64 = -1

    func verify(
        _ start: RemediationRun, _ calls: RemediationCalls
    ) async throws(StepFailure) -> Step {
        var run = start
        if run.sampleLeft == nil { try await drawSample(&run) }
        let left = run.sampleLeft ?? Self.noSample
        let which: VerificationQuestion = left > 0 ? .untried : left == 0 ? .tried : .all
        let limit = left > 0 ? min(settings.headsPerStep, Int(left)) : settings.headsPerStep
        let due = try await storing { () async throws(StoreFailure) in
            try await store.dueVerifications(of: run.id, which, at: now, limit: limit)
        }
        guard !due.isEmpty else { return try await conclude(run, which) }
        var slice = await examiner.examine(due, [run.id: run])
        let isBraked = try await brake(&run, &slice)
        let results = slice.results
        let reached = try await storing { () async throws(StoreFailure) in
            try await store.record(results, at: now)
        }
        if left >= 0 {
            let hasFailed = reached.contains { $0.key != .replicated && $0.value > 0 }
            let drawn = left > 0 ? Int64(results.count) : 0
            run.sampleLeft = hasFailed ? Self.noSample : max(0, left - drawn)
            try await save(run)
        }
        if isBraked { return Step(run: run, next: .yield, problem: run.problem) }
        return try step(run, after: slice, decided: reached.values.reduce(0, +))
    }

    private func step(
        _ run: RemediationRun, after slice: VerifiedSlice, decided: Int64
    ) throws(StepFailure) -> Step {
        if let trouble = slice.trouble { throw trouble }
        // When S3 refuses to speak of any of them, asking for the others at once would only cost.
        if let refusal = slice.refusal, decided == 0 { throw .refused(refusal) }
        return Step(run: run, next: .yield, problem: slice.refusal)
    }

    private func drawSample(_ run: inout RemediationRun) async throws(StepFailure) {
        run.sampleLeft = Self.noSample
        // A canary proves by HEAD, whatever is enough for the rest.
        switch run.role == .canary ? .all : run.options.verification {
        case .all: break
        case .none: try await closeOnRows(run, .report)
        case .sample:
            if try await tally(run)[.verifying] > settings.sampleObjects {
                run.sampleLeft = settings.sampleObjects
            }
        }
        try await save(run)
    }

    /// Closes what has a succeeded row, at the time of the job's creation: any later event opens it again.
    private func closeOnRows(
        _ run: RemediationRun, _ evidence: Evidence
    ) async throws(StepFailure) {
        guard let job = run.currentJob?.jobID, let created = run.currentJob?.createdAt else {
            return
        }
        try await storing { () async throws(StoreFailure) in
            try await settleAll(
                run, .verifying, .closedOnRow(evidence: evidence, at: created),
                succeededIn: job)
        }
    }

    /// Nothing is due: it waits, or it is over.
    private func conclude(
        _ start: RemediationRun, _ which: VerificationQuestion
    ) async throws(StepFailure) -> Step {
        var run = start
        let nextQuestion: VerificationQuestion = which == .untried ? .tried : which
        let due = try await storing { () async throws(StoreFailure) in
            try await store.nextVerification(of: run.id, nextQuestion)
        }
        if due == nil, run.sampleLeft.map({ $0 >= 0 }) == true {
            // Every version of the sample is COMPLETED.
            try await closeOnRows(run, .sample)
            run.sampleLeft = Self.noSample
            try await save(run)
            return Step(run: run)
        }
        if run.sampleLeft.map({ $0 > 0 }) == true {
            run.sampleLeft = 0
            try await save(run)
        }
        let patience = settings.patience
        let limit = run.role == .canary ? patience.canary : patience.verification
        let deadline = (run.currentJob?.endedAt ?? now).advanced(byMilliseconds: limit)
        guard let due, now < deadline else { return try await finish(run) }
        // Another remediation may close the last of them meanwhile: it is not to wait for half a day then.
        let longest = settings.firstVerifyPause * 10
        let pause = min(longest, min(due, deadline).milliseconds - now.milliseconds)
        // What S3 refuses to speak of waits too, and its sentence stays until it speaks.
        return Step(run: run, next: .wait(.milliseconds(pause)), problem: run.problem)
    }

    private func finish(_ run: RemediationRun) async throws(StepFailure) -> Step {
        if run.role == .canary {
            let passed = RemediationRun.Canary.passed(try await tally(run))
            return try await proceed(run, .canaryJudged(passed: passed))
        }
        try await storing { () async throws(StoreFailure) in try await releaseAll(run) }
        return try await proceed(run, .verified(at: now))
    }

    /// Takes what is absent out of a slice when it would be too much of the remediation. Returns whether it did.
    private func brake(
        _ run: inout RemediationRun, _ slice: inout VerifiedSlice
    ) async throws(StepFailure) -> Bool {
        let absent = Int64(slice.results.count { $0.isAbsence })
        guard absent > 0, !run.wishes.contains(.confirmGone) else { return false }
        let gone = try await tally(run)[.gone] + run.precheck.gone + absent
        guard RemediationRun.isTooMuchGone(gone, of: run.objects + run.precheck.left) else {
            return false
        }
        for index in slice.results.indices where slice.results[index].isAbsence {
            slice.results[index].occurrence = nil
            slice.results[index].note = "goneNotConfirmed"
        }
        guard run.apply(.goneBrakePulled) else { return false }
        run.problem =
            "\(gone) of \(run.objects) objects are gone from \(run.rule.sourceBucket): nothing more is closed "
            + "until you have looked, and confirm it (s3remedy remediations confirm \(run.id))"
        try await save(run)
        return true
    }
}

extension RemediationWorker {
    private var examiner: VersionExaminer {
        VersionExaminer(lanes: lanes, settings: settings, clock: clock, log: log)
    }

    /// A slice of what no remediation waits for: what one left when its time was over, failures that began as gone or
    /// done, and those that S3 has replicated late. Returns when to look again.
    func verifyInBackground() async throws(StoreFailure) -> Duration {
        let due = try await store.dueVerifications(
            of: nil, .all, at: now, limit: settings.headsPerStep)
        let usual = Duration.milliseconds(settings.firstVerifyPause)
        guard !due.isEmpty else { return wait(Self.background, exactly: usual) }
        var runs: [String: RemediationRun] = [:]
        for id in Set(due.compactMap(\.stored.failure.remediationID)) {
            runs[id] = try? await store.remediation(id)?.run
        }
        let slice = await examiner.examine(due, runs)
        _ = try await store.record(slice.results, at: now)
        switch slice.trouble {
        case .cancelled: return .zero
        case .temporary(let sentence), .refused(let sentence):
            log.warning("background verification waits", metadata: ["problem": "\(sentence)"])
            return wait(Self.background, doubling: true)
        case nil: break
        }
        return due.count < settings.headsPerStep ? wait(Self.background, exactly: usual) : .zero
    }
}
