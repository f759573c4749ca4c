internal import AWSProtocol
internal import Domain
internal import TestSupport
internal import Testing

/// One request as botocore would send it, without what the transport and the signature add.
private struct BotocoreRequest: Decodable {
    var service: String
    /// Nil for AWS's own.
    var endpoint: String?
    var operation: String
    /// Those that are texts.
    var parameters: [String: String]
    var method: String
    var scheme: String
    var host: String
    var path: String
    var query: [[String]]
    var headers: [[String]]
    var body: String

    /// What we send for the same.
    func ours() throws -> AWSRequest {
        let custom = try endpoint.map { try AWSEndpoint(override: $0) }
        let service = try #require(AWSService(rawValue: service))
        let place =
            try custom ?? AWSEndpoints().endpoint(for: service, region: "eu-west-1")
        if service == .s3control {
            return try control().wire(account: parameters["AccountId"] ?? "", at: place)
        }
        let request = try multipart()?.wire(bucket: bucket, key: key, at: place)
        return try (request ?? plain().wire(at: place))
            .expecting(bucketOwner: parameters["ExpectedBucketOwner"])
    }

    private var bucket: String { parameters["Bucket"] ?? "" }
    private var key: ObjectKey { ObjectKey(parameters["Key"] ?? "") }
    private var metadata: [(name: String, value: String)] { [("s3remedy-sha256", "00")] }

    private func plain() throws -> S3Request {
        let prefix = ObjectKey(parameters["Prefix"] ?? "")
        switch operation {
        case "PutObject":
            return .putObject(
                bucket: bucket, key: key, body: Array(body.utf8), contentType: "text/csv",
                metadata: metadata, onlyIfAbsent: true)
        case "HeadObject":
            return .headObject(bucket: bucket, key: key, versionID: parameters["VersionId"])
        case "GetObject":
            return .getObject(
                bucket: bucket, key: key, versionID: parameters["VersionId"],
                range: parameters["Range"].map { _ in 4...7 },
                ifMatch: parameters["IfMatch"].map { _ in "e" })
        case "ListObjectVersions":
            return .listObjectVersions(
                bucket: bucket, prefix: prefix, after: (prefix, parameters["VersionIdMarker"] ?? "")
            )
        case "ListMultipartUploads":
            return .listMultipartUploads(
                bucket: bucket, prefix: prefix, after: (prefix, parameters["UploadIdMarker"] ?? ""))
        case "GetBucketReplication": return .getBucketReplication(bucket: bucket)
        case "GetBucketVersioning": return .getBucketVersioning(bucket: bucket)
        case "GetBucketLifecycleConfiguration":
            return .getBucketLifecycleConfiguration(bucket: bucket)
        case "GetBucketNotificationConfiguration":
            return .getBucketNotificationConfiguration(bucket: bucket)
        default: throw Unknown(operation: operation)
        }
    }

    private func multipart() throws -> S3MultipartRequest? {
        let id = parameters["UploadId"] ?? ""
        switch operation {
        case "CreateMultipartUpload":
            return .create(contentType: "text/csv", metadata: metadata)
        case "UploadPart": return .uploadPart(uploadID: id, number: 2, body: Array(body.utf8))
        case "CompleteMultipartUpload":
            return .complete(
                uploadID: id, parts: [.init(number: 1, eTag: "e1"), .init(number: 2, eTag: "e2")],
                onlyIfAbsent: true)
        case "AbortMultipartUpload": return .abort(uploadID: id)
        default: return nil
        }
    }

    private func control() throws -> S3ControlRequest {
        let id = parameters["JobId"] ?? ""
        switch operation {
        case "CreateJob": return .createJob(body: job.body)
        case "DescribeJob": return .describeJob(id: id)
        case "ListJobs":
            return .listJobs(statuses: ["New", "Active"], nextToken: parameters["NextToken"])
        case "UpdateJobStatus":
            return .updateJobStatus(
                id: id, status: parameters["RequestedJobStatus"] ?? "",
                reason: parameters["StatusUpdateReason"] ?? "")
        case "UpdateJobPriority": return .updateJobPriority(id: id, priority: 2_147_483_647)
        default: throw Unknown(operation: operation)
        }
    }

    private var job: ReplicationJob {
        ReplicationJob(
            manifest: .init(
                objectARN: "arn:aws:s3:::m/<k>.csv", versionID: "v", eTag: "abc-2"),
            report: .init(
                bucketARN: "arn:aws:s3:::reports", prefix: "a&b",
                expectedBucketOwner: parameters["AccountId"]),
            clientRequestToken: parameters["ClientRequestToken"] ?? "",
            description: parameters["Description"] ?? "", priority: 10,
            roleARN: parameters["RoleArn"] ?? "", confirmationRequired: true)
    }
}

private struct Unknown: Error {
    var operation: String
}

/// Headers that we send and botocore does not: S3 wants none, and takes it.
private let additional: Set<String> = ["content-type"]

@Test func `every request of S3 and S3 Control is the one that botocore sends`() throws {
    let answers = try botocoreAnswers("requests", as: [BotocoreRequest].self)
    for answer in answers {
        let ours = try answer.ours()
        let name = "\(answer.operation) \(answer.host)\(answer.path)"
        #expect(ours.operation == answer.operation)
        #expect(ours.method == answer.method, "\(name)")
        #expect(ours.scheme == answer.scheme && ours.host == answer.host, "\(name)")
        #expect(ours.path == answer.path, "\(name)")
        #expect(Set(ours.query.map { [$0.name, $0.value] }) == Set(answer.query), "\(name)")
        #expect(ours.query.count == answer.query.count, "\(name)")
        let theirNames = Set(answer.headers.map { $0[0] })
        let headers = ours.headers.filter {
            theirNames.contains($0.name) || !additional.contains($0.name)
        }
        #expect(Set(headers.map { [$0.name, $0.value] }) == Set(answer.headers), "\(name)")
        let body = String(decoding: ours.body, as: UTF8.self)
            .replacing("&quot;", with: "\"").replacing(" />", with: "/>")
        let theirs = answer.body
            .replacing("&quot;", with: "\"").replacing(" />", with: "/>")
        #expect(body == theirs, "\(name)")
    }
    let operations = Set(answers.map(\.operation))
    #expect(operations.count == 18)
    #expect(answers.contains { $0.host == "s3.eu-west-1.amazonaws.com" }, "no bucket with a dot")
    print("requests compared with botocore's: \(answers.count), operations \(operations.count)")
}
