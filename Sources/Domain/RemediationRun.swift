/// One attempt to repair the failures of one rule, as it is stored: every state is stored before the effect that
/// leaves it, so that a restart resumes where it stood.
///
///     planned -> selected -> manifestWritten -> jobRequested -> jobFollowed -> verifying -> finished
///                                                                         \-> failed, cancelled
package struct RemediationRun: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        /// Stored; its failures are being selected (`open` to `submitted`).
        case planned
        /// All rows carry its ID; no manifest yet.
        case selected
        /// The manifest is in its bucket; no request yet.
        case manifestWritten
        /// The whole CreateJob request is stored; it may have been sent.
        case jobRequested
        /// The job's ID is known.
        case jobFollowed
        /// The job ended; HEAD decides object by object.
        case verifying
        case finished
        case failed
        case cancelled

        package var isTerminal: Bool { self == .finished || self == .failed || self == .cancelled }
    }

    package struct Manifest: Codable, Sendable, Equatable {
        package var bucket: String
        package var key: String
        /// Without quotes.
        package var eTag: String
        package var versionID: String?

        package init(bucket: String, key: String, eTag: String, versionID: String?) {
            self.bucket = bucket
            self.key = key
            self.eTag = eTag
            self.versionID = versionID
        }
    }

    package struct Tasks: Codable, Sendable, Equatable {
        package var total: Int64
        package var succeeded: Int64
        package var failed: Int64

        package init(total: Int64, succeeded: Int64, failed: Int64) {
            self.total = total
            self.succeeded = succeeded
            self.failed = failed
        }
    }

    package struct Job: Codable, Sendable, Equatable {
        /// The CreateJob request's body, ClientRequestToken included, byte for byte as it is sent.
        package var request: [UInt8]
        package var jobID: String?
        /// S3's word, such as `Active`.
        package var status: String?
        /// S3's CreationTime.
        package var createdAt: Timestamp?
        package var tasks: Tasks?
        /// When the job was first seen to have ended.
        package var endedAt: Timestamp?
        package var problem: String?

        package init(request: [UInt8]) {
            self.request = request
        }
    }

    package struct Outcome: Codable, Sendable, Equatable {
        package var replicated: Int64 = 0
        package var failedAgain: Int64 = 0
        package var gone: Int64 = 0
        package var parked: Int64 = 0

        package init() {}
    }

    package let id: String
    package let rule: RuleName
    /// The Region of the source bucket and the job.
    package let region: String
    package let selection: FailureSelection
    package let priority: Int
    package let createdAt: Timestamp
    /// Who asked: `uid 1000`, say.
    package let createdBy: String
    package private(set) var state: State = .planned
    /// Rows selected so far; all of them from `selected` on.
    package var objects: Int64 = 0
    package var bytes: Int64 = 0
    package private(set) var manifest: Manifest?
    package private(set) var job: Job?
    package var outcome = Outcome()
    package private(set) var finishedAt: Timestamp?
    /// A sentence: what stands in the way, or why it failed.
    package var problem: String?

    package init(
        id: String, rule: RuleName, region: String, selection: FailureSelection, priority: Int,
        createdAt: Timestamp, createdBy: String
    ) {
        self.id = id
        self.rule = rule
        self.region = region
        self.selection = selection
        self.priority = priority
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}

/// What the flow has to do next for a run: each is safe to do again after a crash in the middle of it.
package enum RemediationAction: Equatable, Sendable {
    case selectFailures
    case writeManifest
    case prepareJob(RemediationRun.Manifest)
    /// Look the job up by the run's ID; send the stored request only when there is none.
    case createJob(request: [UInt8])
    case describeJob(id: String)
    case verify
    case nothing
}

/// What came of an action.
package enum RemediationEvent: Equatable, Sendable {
    /// Every failure that the run wants is selected.
    case selected
    case manifestWritten(RemediationRun.Manifest)
    case jobPrepared(request: [UInt8])
    case jobFound(id: String)
    case jobDescribed(
        status: String, createdAt: Timestamp?, tasks: RemediationRun.Tasks?, problem: String?,
        at: Timestamp)
    /// No failure of the run waits for a HEAD any more.
    case verified(at: Timestamp)
    /// The job can never be made: the sentence says why.
    case refused(String, at: Timestamp)
}

extension RemediationRun {
    /// The states in which an S3 Batch Operations job ends. Source: S3 User Guide, "Tracking job status".
    package static let endedJobStatuses: Set<String> = ["Complete", "Failed", "Cancelled"]

    package var nextAction: RemediationAction {
        switch state {
        case .planned: return .selectFailures
        case .selected: return .writeManifest
        case .manifestWritten: return manifest.map(RemediationAction.prepareJob) ?? .writeManifest
        case .jobRequested: return job.map { .createJob(request: $0.request) } ?? .nothing
        case .jobFollowed: return job?.jobID.map { .describeJob(id: $0) } ?? .nothing
        case .verifying: return .verify
        case .finished, .failed, .cancelled: return .nothing
        }
    }

    /// Takes in what came of an action. An event that does not belong to the state changes nothing: it is the
    /// answer to an action that a crash made us do twice. Returns whether anything changed.
    package mutating func apply(_ event: RemediationEvent) -> Bool {
        switch (state, event) {
        case (.planned, .selected):
            state = .selected
        case (.selected, .manifestWritten(let written)):
            manifest = written
            state = .manifestWritten
        case (.manifestWritten, .jobPrepared(let request)):
            job = Job(request: request)
            state = .jobRequested
        case (.jobRequested, .jobFound(let id)):
            job?.jobID = id
            state = .jobFollowed
        case (
            .jobFollowed, .jobDescribed(let status, let created, let tasks, let trouble, let time)
        ):
            job?.status = status
            if let created { job?.createdAt = created }
            if let tasks { job?.tasks = tasks }
            job?.problem = trouble
            guard Self.endedJobStatuses.contains(status) else { break }
            job?.endedAt = time
            state = .verifying
        case (.verifying, .verified(let time)):
            finishedAt = time
            state = job?.status == "Cancelled" ? .cancelled : .finished
        case (_, .refused(let sentence, let time)) where !state.isTerminal:
            problem = sentence
            finishedAt = time
            state = .failed
        default:
            return false
        }
        return true
    }
}
