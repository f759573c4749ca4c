internal import Domain

/// What CreateJob is asked: an S3 Batch Replication job over a CSV manifest with the columns Bucket, Key, VersionId.
package struct ReplicationJob: Hashable, Sendable {
    package struct Manifest: Hashable, Sendable {
        /// ARN of the manifest object.
        package var objectARN: String
        package var versionID: String?
        /// Without quotes.
        package var eTag: String

        package init(objectARN: String, versionID: String?, eTag: String) {
            self.objectARN = objectARN
            self.versionID = versionID
            self.eTag = eTag
        }
    }

    package struct Report: Hashable, Sendable {
        package var bucketARN: String
        /// 1 to 512 characters, without a trailing `/` (S3 adds one).
        package var prefix: String
        /// Account that must own the bucket; nil leaves it open.
        package var expectedBucketOwner: String?

        package init(bucketARN: String, prefix: String, expectedBucketOwner: String?) {
            self.bucketARN = bucketARN
            self.prefix = prefix
            self.expectedBucketOwner = expectedBucketOwner
        }
    }

    package var manifest: Manifest
    package var report: Report
    /// Makes repeated requests one job. 1 to 64 characters.
    package var clientRequestToken: String
    /// 1 to 256 characters.
    package var description: String
    /// 0 to 2,147,483,647; higher goes first.
    package var priority: Int
    package var roleARN: String
    /// The job stops before its first task until it is confirmed.
    package var confirmationRequired: Bool

    package init(
        manifest: Manifest, report: Report, clientRequestToken: String, description: String,
        priority: Int, roleARN: String, confirmationRequired: Bool
    ) {
        self.manifest = manifest
        self.report = report
        self.clientRequestToken = clientRequestToken
        self.description = description
        self.priority = priority
        self.roleARN = roleARN
        self.confirmationRequired = confirmationRequired
    }

    /// CreateJob's body, in botocore's order of elements; the same job gives the same bytes.
    package var body: [UInt8] {
        let report =
            tag("Bucket", report.bucketARN) + tag("Format", "Report_CSV_20180820")
            + tag("Enabled", "true") + tag("Prefix", report.prefix)
            + tag("ReportScope", "AllTasks")
            + (report.expectedBucketOwner.map { tag("ExpectedBucketOwner", $0) } ?? "")
        let fields = ["Bucket", "Key", "VersionId"].map { tag("member", $0) }.joined()
        let location =
            tag("ObjectArn", manifest.objectARN)
            + (manifest.versionID.map { tag("ObjectVersionId", $0) } ?? "")
            + tag("ETag", manifest.eTag)
        let content =
            tag("ConfirmationRequired", confirmationRequired ? "true" : "false")
            + "<Operation><S3ReplicateObject /></Operation><Report>\(report)</Report>"
            + tag("ClientRequestToken", clientRequestToken)
            + "<Manifest><Spec>\(tag("Format", "S3BatchOperations_CSV_20180820"))"
            + "<Fields>\(fields)</Fields></Spec><Location>\(location)</Location></Manifest>"
            + tag("Description", description) + tag("Priority", "\(priority)")
            + tag("RoleArn", roleARN)
        let space = "http://awss3control.amazonaws.com/doc/2018-08-20/"
        return Array("<CreateJobRequest xmlns=\"\(space)\">\(content)</CreateJobRequest>".utf8)
    }
}

private func tag(_ name: String, _ text: String) -> String {
    "<\(name)>\(xmlEscaped(text))</\(name)>"
}

/// The requests of S3 Control for Batch Operations jobs.
package enum S3ControlRequest: Sendable {
    /// - body: `ReplicationJob.body`, as it was stored.
    case createJob(body: [UInt8])
    case describeJob(id: String)
    /// - statuses: empty for all.
    case listJobs(statuses: [String], nextToken: String?)
    /// - status: `Ready` (confirms) or `Cancelled`.
    case updateJobStatus(id: String, status: String, reason: String)
    /// - priority: 0 to 2,147,483,647; higher goes first.
    case updateJobPriority(id: String, priority: Int)

    /// AWS's name.
    package var operation: String {
        switch self {
        case .createJob: "CreateJob"
        case .describeJob: "DescribeJob"
        case .listJobs: "ListJobs"
        case .updateJobStatus: "UpdateJobStatus"
        case .updateJobPriority: "UpdateJobPriority"
        }
    }

    /// - Parameter account: 12 digits; part of the host name unless the endpoint is the user's own.
    package func wire(account: String, at endpoint: AWSEndpoint) -> AWSRequest {
        let jobs = "/v20180820/jobs"
        switch self {
        case .createJob(let body):
            return request("POST", account, endpoint, jobs, body: body)
        case .describeJob(let id):
            return request("GET", account, endpoint, jobs + "/" + segment(id))
        case .listJobs(let statuses, let token):
            return request(
                "GET", account, endpoint, jobs,
                query: statuses.map { ("jobStatuses", $0) } + [("maxResults", "1000")]
                    + (token.map { [("nextToken", $0)] } ?? []))
        case .updateJobStatus(let id, let status, let reason):
            return request(
                "POST", account, endpoint, jobs + "/" + segment(id) + "/status",
                query: [("requestedJobStatus", status), ("statusUpdateReason", reason)])
        case .updateJobPriority(let id, let priority):
            return request(
                "POST", account, endpoint, jobs + "/" + segment(id) + "/priority",
                query: [("priority", "\(priority)")])
        }
    }

    private func request(
        _ method: String, _ account: String, _ endpoint: AWSEndpoint, _ path: String,
        query: [(name: String, value: String)] = [], body: [UInt8] = []
    ) -> AWSRequest {
        var endpoint = endpoint
        if !endpoint.isOverride { endpoint.host = account + "." + endpoint.host }
        let type = body.isEmpty ? [] : [("content-type", "application/xml")]
        return AWSRequest(
            .s3control, operation, method, at: endpoint, path: path, query: query,
            headers: [("x-amz-account-id", account)] + type, body: body)
    }
}

private func segment(_ text: String) -> String {
    percentEncoded(Array(text.utf8), keeping: .nothing)
}
