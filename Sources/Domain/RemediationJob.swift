extension RemediationRun {
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

    /// What was read of a job's completion report.
    package struct Report: Codable, Sendable, Equatable {
        package var bucket: String
        /// Of its list, `manifest.json`.
        package var key: String
        package var rows: Int64 = 0
        /// Rows of versions that this remediation did not select: counted, and otherwise left alone.
        package var outside: Int64 = 0
        package var malformed: Int64 = 0
        /// Failed rows whose code speaks of the job itself, by code.
        package var jobCodes: [String: Int64] = [:]

        package init(bucket: String, key: String) {
            self.bucket = bucket
            self.key = key
        }
    }

    /// A batch job of the run, from its manifest on.
    package struct Job: Codable, Sendable, Equatable {
        package enum Role: String, Codable, Sendable { case canary, main }

        package var role: Role
        package var manifest: Manifest?
        /// The CreateJob request's body, ClientRequestToken included, byte for byte as it is sent.
        package var request: [UInt8]?
        package var jobID: String?
        /// S3's word, such as `Active`.
        package var status: String?
        /// S3's CreationTime.
        package var createdAt: Timestamp?
        package var tasks: Tasks?
        /// When the job was first seen to have ended.
        package var endedAt: Timestamp?
        /// Since when S3 says that it knows no such job.
        package var missingSince: Timestamp?
        package var report: Report?
        package var problem: String?

        package init(role: Role, manifest: Manifest) {
            self.role = role
            self.manifest = manifest
        }
    }

    /// A job as DescribeJob shows it.
    package struct JobSight: Sendable, Equatable {
        package var status: String
        package var createdAt: Timestamp?
        package var tasks: Tasks?
        /// Why it failed or stands still, in S3's words.
        package var cause: String?

        package init(status: String, createdAt: Timestamp?, tasks: Tasks?, cause: String?) {
            self.status = status
            self.createdAt = createdAt
            self.tasks = tasks
            self.cause = cause
        }
    }

    /// The states in which an S3 Batch Operations job ends. Source: S3 User Guide, "Tracking job status".
    package static let endedJobStatuses: Set<String> = ["Complete", "Failed", "Cancelled"]
    /// The states in which a job counts against the account's 6 active ones; a suspended one waits for an operator.
    package static let activeJobStatuses = [
        "New", "Preparing", "Ready", "Active", "Pausing", "Paused", "Completing", "Failing",
        "Cancelling",
    ]
}

extension RemediationRun.Job {
    /// No row is to be expected: S3 writes a report only when a task was run.
    package var ranNothing: Bool {
        guard let tasks else { return status != "Complete" }
        return tasks.succeeded + tasks.failed == 0
    }

    /// What an operator should know of a job that runs on, or has ended otherwise than it should.
    package var sentence: String? {
        let why = problem.map { ": " + $0 } ?? ""
        switch status {
        case "Suspended":
            return "job \(jobID ?? "") waits for a confirmation (s3remedy remediations confirm), "
                + "for at most 30 days\(why)"
        case "Paused", "Pausing":
            return "S3 has paused job \(jobID ?? "") for others of a higher priority\(why)"
        case "Failing", "Failed": return "job \(jobID ?? "") failed\(why)"
        case "Cancelled", "Cancelling": return "job \(jobID ?? "") was cancelled\(why)"
        default: return nil
        }
    }
}

/// Times that a remediation waits, in milliseconds.
package struct RemediationPatience: Sendable, Equatable {
    private static let hour: Int64 = 3_600_000

    /// After the job's end: then a report that is not there is a problem that is told.
    package var reportLate = hour
    /// After the job's end: then HEAD decides without it.
    package var report = 24 * hour
    /// After the canary's end: then what is still pending has not passed.
    package var canary = hour
    /// After the job's end: then the remediation finishes, and the background verifier goes on.
    package var verification = 24 * hour
    /// After its row: versions of which HEAD tells nothing are closed on it when no event came since.
    package var quiet = hour
    /// That S3 knows no such job, before it is taken for ended: 90 days after its end S3 forgets it.
    package var missingJob = 24 * hour

    package init() {}
}

/// What to do about a completion report that is not there.
package enum ReportAbsence: Equatable, Sendable {
    case wait(problem: String?)
    /// There will be none: HEAD decides.
    case giveUp(problem: String?)
}

extension RemediationRun {
    package func withoutReport(at now: Timestamp, _ patience: RemediationPatience) -> ReportAbsence
    {
        guard let job = currentJob, let ended = job.endedAt else { return .wait(problem: nil) }
        if job.ranNothing { return .giveUp(problem: nil) }
        let waited = now.milliseconds - ended.milliseconds
        let name = "the completion report of job \(job.jobID ?? "")"
        if waited >= patience.report {
            return .giveUp(
                problem:
                    "reportMissing: \(name) did not come within \(hours(patience.report)): each "
                    + "version's own status decides")
        }
        guard waited >= patience.reportLate else { return .wait(problem: nil) }
        return .wait(
            problem:
                "reportLate: \(name) is not there \(hours(patience.reportLate)) after its end: "
                + "look whether the job's role may write it (s3:PutObject on the report prefix)")
    }
}

private func hours(_ milliseconds: Int64) -> String {
    let hours = milliseconds / 3_600_000
    return hours == 1 ? "1 hour" : "\(hours) hours"
}
