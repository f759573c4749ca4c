/// One attempt to repair the failures of one rule, as it is stored: every state is stored before the effect that
/// leaves it, so that a restart resumes where it stood.
///
///     planned -> selected -> manifestWritten -> jobRequested -> jobFollowed -> reportRead -> verifying -> finished
///                   ^                                                                          |
///                   +---------- canaryVerified, where a canary went first <--------------------+
///
/// From every state it may end as failed or cancelled.
package struct RemediationRun: Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        /// Stored; its failures are looked at (HEAD) and selected (`open` to `submitted`).
        case planned
        /// All rows of the next job carry its ID; no manifest yet.
        case selected
        /// The manifest is in its bucket; no request yet.
        case manifestWritten
        /// The whole CreateJob request is stored; it may have been sent.
        case jobRequested
        /// The job's ID is known; once it has ended, its report is awaited and read.
        case jobFollowed
        /// Every row of the report is taken in; what it has no row for goes back.
        case reportRead
        /// HEAD decides object by object.
        case verifying
        /// It is known which groups the canary proved; the others are held back.
        case canaryVerified
        case finished
        case failed
        case cancelled

        package var isTerminal: Bool { self == .finished || self == .failed || self == .cancelled }
    }

    /// How a succeeded row of the report becomes a closed failure.
    package enum Verification: String, Codable, Sendable, CaseIterable {
        /// By a HEAD of each version.
        case all
        /// By HEADs of some, when every one of them says COMPLETED; else as `all`.
        case sample
        /// By the row itself.
        case none
    }

    /// The brake against closing by mistake: a bucket that suddenly has none of the versions is more likely a wrong
    /// bucket, or a permission, than thousands of deletions.
    package enum GoneBrake: String, Codable, Sendable {
        /// Closing stands still until it is confirmed.
        case pulled
        case confirmed
    }

    /// HEADs before the selection: what is replicated, absent or archived leaves the plan.
    package struct Precheck: Codable, Sendable, Equatable {
        package var looked: Int64 = 0
        package var replicated: Int64 = 0
        package var gone: Int64 = 0
        package var parked: Int64 = 0
        /// Where to go on.
        package var cursor: String?
        package var isDone = false

        package init() {}

        package var left: Int64 { replicated + gone + parked }
    }

    package struct Options: Codable, Sendable, Equatable {
        /// Objects that go first, in a job of their own.
        package var canary: Int?
        /// Jobs stop before their first task until they are confirmed.
        package var confirmation = false
        package var verification = Verification.all

        package init() {}
    }

    package let id: String
    package let rule: RuleName
    /// The Region of the source bucket and the job.
    package let region: String
    package let selection: FailureSelection
    package let priority: Int
    package let options: Options
    package let createdAt: Timestamp
    /// Who asked: `uid 1000`, say.
    package let createdBy: String
    package var state: State = .planned
    package var precheck = Precheck()
    /// What the canary still has to select, and afterwards which groups passed.
    package var canary: Canary?
    /// Rows selected so far.
    package var objects: Int64 = 0
    package var bytes: Int64 = 0
    /// In the order in which they were made: the canary's, the main one.
    package var jobs: [Job] = []
    /// Versions that a sample still has to look at; nil before it is drawn.
    package var sampleLeft: Int64?
    package var goneBrake: GoneBrake?
    package var finishedAt: Timestamp?
    /// A sentence: what stands in the way, or why it failed.
    package var problem: String?
    /// What operators asked of it since; stored beside it, by others than the one that carries it out.
    package var wishes: Set<Wish> = []

    package init(
        id: String, rule: RuleName, region: String, selection: FailureSelection, priority: Int,
        options: Options = Options(), createdAt: Timestamp, createdBy: String
    ) {
        self.id = id
        self.rule = rule
        self.region = region
        self.selection = selection
        self.priority = priority
        self.options = options
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}

extension RemediationRun {
    /// What an operator asks of a running remediation.
    package enum Wish: Hashable, Sendable {
        case cancel
        /// The suspended job with this ID shall run.
        case confirmJob(String)
        /// The versions that are not there any more shall be closed as gone.
        case confirmGone

        /// As it is stored.
        package var text: String {
            switch self {
            case .cancel: "cancel"
            case .confirmJob(let id): "confirmJob " + id
            case .confirmGone: "confirmGone"
            }
        }

        package init?(text: String) {
            switch text {
            case "cancel": self = .cancel
            case "confirmGone": self = .confirmGone
            default:
                let start = "confirmJob "
                guard text.hasPrefix(start) else { return nil }
                self = .confirmJob(String(text.dropFirst(start.count)))
            }
        }
    }

    /// What there is to confirm now; nil when there is nothing.
    package var wishToConfirm: Wish? {
        if goneBrake == .pulled { return .confirmGone }
        guard state == .jobFollowed, let job = currentJob, job.status == "Suspended",
            let id = job.jobID
        else { return nil }
        return .confirmJob(id)
    }

    /// The job that is being made or followed.
    package var currentJob: Job? { jobs.last }

    /// Which job comes next, or is under way.
    package var role: Job.Role { canary.map { $0.isOver ? .main : .canary } ?? .main }

    /// The job with this ID.
    package func job(_ id: String) -> Job? { jobs.first { $0.jobID == id } }

    /// The source bucket is taken: a job runs, or may run, over its objects, and another would run the same rules.
    /// A canary that verifies holds on to it, because its main job follows at once.
    package var holdsBucket: Bool { state != .verifying || role == .canary }
}
