package import AWSProtocol

/// Calls of S3 Control for the Batch Operations jobs of one account in one Region.
package struct S3ControlClient {
    /// A page has up to 1,000 jobs.
    package static let maximumJobPages = 100

    private let caller: AWSCaller
    private let account: String

    /// - Parameter account: 12 digits, as STS says.
    package init(_ caller: AWSCaller, account: String) {
        self.caller = caller
        self.account = account
    }

    /// - Parameter body: `ReplicationJob.body` as it was stored before this call.
    /// - Returns: the job's ID.
    package func createJob(_ body: [UInt8]) async throws(AWSFailure) -> String {
        let request = try wire(.createJob(body: body))
        return try request.parse(try await caller.send(request), BatchJob.createdID)
    }

    /// `NoSuchJob` right after creation means: not yet.
    package func describeJob(_ id: String) async throws(AWSFailure) -> BatchJob {
        let request = try wire(.describeJob(id: id))
        return try request.parse(try await caller.send(request), BatchJob.described)
    }

    /// All jobs in one of these statuses; in any when there are none given.
    package func listJobs(statuses: [String] = []) async throws(AWSFailure) -> [BatchJob] {
        var jobs: [BatchJob] = []
        var token: String?
        for _ in 0..<Self.maximumJobPages {
            let request = try wire(.listJobs(statuses: statuses, nextToken: token))
            let page = try request.parse(try await caller.send(request), BatchJobPage.init)
            jobs += page.jobs
            token = page.nextToken
            if token == nil { return jobs }
        }
        let problem = "more than \(Self.maximumJobPages) pages of jobs"
        throw .reply(operation: "ListJobs", UnreadableReply(problem))
    }

    /// Confirms a suspended job (`Ready`) or ends one (`Cancelled`).
    package func updateJobStatus(
        _ id: String, to status: String, reason: String
    ) async throws(AWSFailure) {
        _ = try await caller.send(
            try wire(.updateJobStatus(id: id, status: status, reason: reason)))
    }

    package func updateJobPriority(_ id: String, to priority: Int) async throws(AWSFailure) {
        _ = try await caller.send(try wire(.updateJobPriority(id: id, priority: priority)))
    }

    private func wire(_ request: S3ControlRequest) throws(AWSFailure) -> AWSRequest {
        request.wire(account: account, at: try caller.endpoint(for: .s3control))
    }
}
