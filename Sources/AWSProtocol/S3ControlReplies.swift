package import Domain

/// A Batch Operations job as DescribeJob and ListJobs show it.
package struct BatchJob: Hashable, Sendable {
    /// A job's counts; absent while S3 still reads the manifest: unknown is not 0.
    package struct Progress: Hashable, Sendable {
        package var total: Int64
        package var succeeded: Int64
        package var failed: Int64
    }

    package struct FailureReason: Hashable, Sendable {
        package var code: String
        package var reason: String
    }

    package var id: String
    /// Verbatim: `New`, `Preparing`, `Suspended`, `Ready`, `Active`, `Pausing`, `Paused`, `Completing`, `Complete`,
    /// `Failing`, `Failed`, `Cancelling`, `Cancelled`.
    package var status: String
    package var description: String
    /// ListJobs: the operation's name, `S3ReplicateObject`; DescribeJob: the name of the operation's element.
    package var operation: String
    package var creationTime: Timestamp
    package var terminationTime: Timestamp?
    package var progress: Progress?
    /// DescribeJob alone has them.
    package var failureReasons: [FailureReason]
    package var statusReason: String?
    package var suspendedCause: String?

    /// No status of such a job changes any more. Source: Amazon S3 User Guide, "Job statuses".
    package var hasEnded: Bool { RemediationRun.endedJobStatuses.contains(status) }

    init(_ job: XMLElement) throws(UnreadableReply) {
        id = try job.required("JobId")
        status = try job.required("Status")
        description = job.text("Description") ?? ""
        let named = job["Operation"]
        operation = named?.children.first?.name ?? named?.text ?? ""
        creationTime = try time(try job.required("CreationTime"), "CreationTime")
        if let text = job.text("TerminationDate") {
            terminationTime = try time(text, "TerminationDate")
        }
        if let summary = job["ProgressSummary"] { progress = Progress(summary) }
        failureReasons = (job["FailureReasons"]?.all("member") ?? []).map { member in
            FailureReason(
                code: member.text("FailureCode") ?? "", reason: member.text("FailureReason") ?? "")
        }
        statusReason = job.text("StatusUpdateReason")
        suspendedCause = job.text("SuspendedCause")
    }

    /// CreateJob's reply: the new job's ID.
    package static func createdID(_ reply: AWSReply) throws(UnreadableReply) -> String {
        try reply.xml("CreateJobResult").required("JobId")
    }

    /// DescribeJob's reply.
    package static func described(_ reply: AWSReply) throws(UnreadableReply) -> BatchJob {
        let root = try reply.xml("DescribeJobResult")
        guard let job = root["Job"] else { throw UnreadableReply("DescribeJobResult without Job") }
        return try BatchJob(job)
    }
}

extension BatchJob.Progress {
    fileprivate init?(_ summary: XMLElement) {
        guard let total = summary.text("TotalNumberOfTasks").flatMap(Int64.init),
            let succeeded = summary.text("NumberOfTasksSucceeded").flatMap(Int64.init),
            let failed = summary.text("NumberOfTasksFailed").flatMap(Int64.init)
        else { return nil }
        self.init(total: total, succeeded: succeeded, failed: failed)
    }
}

/// One page of ListJobs.
package struct BatchJobPage: Hashable, Sendable {
    package var jobs: [BatchJob]
    /// Nil on the last page.
    package var nextToken: String?

    package init(_ reply: AWSReply) throws(UnreadableReply) {
        let root = try reply.xml("ListJobsResult")
        jobs = []
        for member in root["Jobs"]?.all("member") ?? [] { jobs.append(try BatchJob(member)) }
        nextToken = root.text("NextToken").flatMap { $0.isEmpty ? nil : $0 }
    }
}

private func time(_ text: String, _ name: String) throws(UnreadableReply) -> Timestamp {
    guard let time = Timestamp(rfc3339: text) else {
        throw UnreadableReply("\(name) is \(text.prefix(100)), which is no time")
    }
    return time
}
