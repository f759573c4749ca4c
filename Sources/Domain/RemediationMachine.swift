// The state machine of a remediation: what a state asks for, and what comes of it. Pure: the worker does the effects.

/// What the flow has to do next for a run: each is safe to do again after a crash in the middle of it.
package enum RemediationAction: Equatable, Sendable {
    /// HEAD the next open failures before they are selected.
    case precheck
    /// Divide the canary over the groups.
    case planCanary
    case selectFailures
    case writeManifest
    case prepareJob(RemediationRun.Manifest)
    /// Look the job up by the run's ID; send the stored request only when there is none.
    case createJob(request: [UInt8])
    case describeJob(id: String)
    case confirmJob(id: String)
    case cancelJob(id: String)
    case readReport
    /// What the report has no row for goes back to `open`.
    case returnRest
    case verify
    /// Nothing closes until an operator confirms that the versions are gone.
    case awaitGoneConfirmation
    /// Give the selected failures back: no job has them.
    case abandon
    /// Look whether the job was made; if not, as `abandon`.
    case withdraw
    /// Leave what is not verified to the background.
    case letGo
    case nothing
}

/// What came of an action.
package enum RemediationEvent: Sendable {
    case prechecked(RemediationRun.Precheck)
    case canaryPlanned(RemediationRun.Canary)
    /// Every failure that the next job wants is selected.
    case selected
    /// There is none to select (any more): what there was is closed, tried, or held back.
    case nothingSelected(at: Timestamp)
    case manifestWritten(RemediationRun.Manifest)
    case jobPrepared(request: [UInt8])
    case jobFound(id: String)
    case jobDescribed(RemediationRun.JobSight, at: Timestamp)
    /// S3 knows no such job, at this moment.
    case jobUnknown(at: Timestamp, RemediationPatience)
    case reportRead(RemediationRun.Report)
    /// There is no report to be had: every version is to be verified.
    case reportMissing(problem: String?)
    case restReturned
    /// The canary's verdict: the groups that go on.
    case canaryJudged(passed: [RemediationTally.Group])
    case goneBrakePulled
    /// No failure of the run waits for a HEAD any more, or its time is over.
    case verified(at: Timestamp)
    /// A wish to cancel is fulfilled.
    case abandoned(at: Timestamp)
    /// The job can never be made: the sentence says why.
    case refused(String, at: Timestamp)
}

extension RemediationRun {
    package var nextAction: RemediationAction {
        if wishes.contains(.cancel), let action = actionToCancel { return action }
        switch state {
        case .planned:
            if !precheck.isDone { return .precheck }
            return options.canary != nil && canary == nil ? .planCanary : .selectFailures
        case .canaryVerified: return .selectFailures
        case .selected: return .writeManifest
        case .manifestWritten:
            return (currentJob?.manifest).map(RemediationAction.prepareJob) ?? .nothing
        case .jobRequested:
            return (currentJob?.request).map { .createJob(request: $0) } ?? .nothing
        case .jobFollowed: return actionOnJob
        case .reportRead: return .returnRest
        case .verifying:
            let waits = goneBrake == .pulled && !wishes.contains(.confirmGone)
            return waits ? .awaitGoneConfirmation : .verify
        case .finished, .failed, .cancelled: return .nothing
        }
    }

    private var actionOnJob: RemediationAction {
        guard let job = currentJob, let id = job.jobID else { return .nothing }
        if job.endedAt != nil { return .readReport }
        let isConfirmed = wishes.contains(.confirmJob(id)) && job.status == "Suspended"
        return isConfirmed ? .confirmJob(id: id) : .describeJob(id: id)
    }

    /// Nil where the run goes on as usual: its job is ending, or has ended.
    private var actionToCancel: RemediationAction? {
        switch state {
        case .planned, .canaryVerified, .selected, .manifestWritten: return .abandon
        case .jobRequested: return .withdraw
        case .jobFollowed:
            guard let job = currentJob, let id = job.jobID, job.endedAt == nil else { return nil }
            let isEnding = ["Cancelling", "Failing", "Completing"].contains(job.status ?? "")
            return isEnding || job.missingSince != nil ? nil : .cancelJob(id: id)
        case .verifying: return .letGo
        case .reportRead, .finished, .failed, .cancelled: return nil
        }
    }

    /// Takes in what came of an action. An event that does not belong to the state changes nothing: it is the
    /// answer to an action that a crash made us do twice. Returns whether anything changed.
    package mutating func apply(_ event: RemediationEvent) -> Bool {
        switch (state, event) {
        case (_, .refused(let sentence, let time)) where !state.isTerminal:
            end(.failed, at: time, problem: sentence)
        case (_, .abandoned(let time)) where !state.isTerminal:
            end(.cancelled, at: time, problem: nil)
        case (.planned, .prechecked(let seen)): precheck = seen
        case (.planned, .canaryPlanned(let planned)) where canary == nil: canary = planned
        case (.planned, .selected), (.canaryVerified, .selected): state = .selected
        case (.planned, .nothingSelected(let time)), (.canaryVerified, .nothingSelected(let time)),
            (.selected, .nothingSelected(let time)):
            end(.finished, at: time, problem: nil)
        case (.selected, .manifestWritten(let written)):
            jobs.append(Job(role: role, manifest: written))
            state = .manifestWritten
        case (.manifestWritten, .jobPrepared(let request)):
            changeJob { $0.request = request }
            state = .jobRequested
        case (.jobRequested, .jobFound(let id)):
            changeJob { $0.jobID = id }
            state = .jobFollowed
        case (.jobFollowed, _) where currentJob?.endedAt == nil: return applyToJob(event)
        default: return applyAfterJob(event)
        }
        return true
    }

    private mutating func applyToJob(_ event: RemediationEvent) -> Bool {
        switch event {
        case .jobDescribed(let sight, let time):
            changeJob { job in
                job.status = sight.status
                job.createdAt = sight.createdAt ?? job.createdAt
                job.tasks = sight.tasks ?? job.tasks
                job.problem = sight.cause
                job.missingSince = nil
                if Self.endedJobStatuses.contains(sight.status) { job.endedAt = time }
            }
        case .jobUnknown(let time, let patience):
            changeJob { job in
                let since = job.missingSince ?? time
                job.missingSince = since
                guard time.milliseconds - since.milliseconds >= patience.missingJob else { return }
                job.endedAt = time
                job.problem =
                    "S3 does not know the job any more (it forgets a job 90 days after its end)"
            }
        default: return false
        }
        return true
    }

    private mutating func applyAfterJob(_ event: RemediationEvent) -> Bool {
        switch (state, event) {
        case (.jobFollowed, .reportRead(let report)):
            changeJob { job in
                job.report = report
                job.problem = job.problem ?? report.sentence(tasks: job.tasks)
            }
            state = .reportRead
        case (.jobFollowed, .reportMissing(let sentence)):
            changeJob { $0.problem = $0.problem ?? sentence }
            state = .verifying
        case (.reportRead, .restReturned): state = .verifying
        case (.verifying, .goneBrakePulled) where goneBrake == nil: goneBrake = .pulled
        case (.verifying, .canaryJudged(let groups)) where role == .canary,
            (.selected, .canaryJudged(let groups)) where role == .canary:
            canary?.passed = groups
            sampleLeft = nil
            state = .canaryVerified
        case (.verifying, .verified(let time)):
            end(currentJob?.status == "Cancelled" ? .cancelled : .finished, at: time, problem: nil)
        default: return false
        }
        return true
    }

    private mutating func end(_ last: State, at time: Timestamp, problem sentence: String?) {
        state = last
        finishedAt = time
        problem = sentence
    }

    private mutating func changeJob(_ change: (inout Job) -> Void) {
        guard !jobs.isEmpty else { return }
        change(&jobs[jobs.count - 1])
    }
}

extension RemediationRun.Report {
    /// What is wrong with a report; nil when it is as it should be.
    func sentence(tasks: RemediationRun.Tasks?) -> String? {
        var parts: [String] = []
        if let tasks, tasks.succeeded + tasks.failed != rows {
            parts.append(
                "the completion report has \(rows) rows, and the job ran "
                    + "\(tasks.succeeded + tasks.failed) tasks")
        }
        if malformed > 0 { parts.append("\(malformed) rows of the report cannot be read") }
        if outside > 0 {
            parts.append("\(outside) rows of the report are of versions that were not selected")
        }
        for (code, count) in jobCodes.sorted(by: { $0.key < $1.key }) {
            parts.append(
                "\(count) tasks failed with \(code), which speaks of the job's role or Region")
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
