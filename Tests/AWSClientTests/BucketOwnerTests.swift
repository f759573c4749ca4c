internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Testing

/// Every call of the client; each fails, which is all the same here.
private let calls: [(name: String, call: @Sendable (S3Client) async throws -> Void)] = [
    (
        "PutObject",
        {
            _ = try await $0.putObject(
                bucket: "orders", key: ObjectKey("k"), body: [], contentType: "text/csv",
                onlyIfAbsent: true)
        }
    ),
    (
        "HeadObject",
        { _ = try await $0.headObject(bucket: "orders", key: ObjectKey("k"), versionID: "v") }
    ),
    (
        "GetObject",
        { _ = try await $0.getObject(bucket: "orders", key: ObjectKey("k"), maximumBytes: 9) }
    ),
    (
        "GetObject",
        {
            _ = try await $0.getObjectPiece(
                bucket: "orders", key: ObjectKey("k"), offset: 0, maximumBytes: 9, ifMatch: nil)
        }
    ),
    (
        "ListObjectVersions",
        { _ = try await $0.listObjectVersions(bucket: "orders", prefix: ObjectKey("k")) }
    ),
    ("GetBucketReplication", { _ = try await $0.bucketReplication(bucket: "orders") }),
    ("GetBucketVersioning", { _ = try await $0.bucketVersioning(bucket: "orders") }),
    (
        "GetBucketLifecycleConfiguration",
        { _ = try await $0.enabledLifecycleRules(bucket: "orders") }
    ),
    (
        "GetBucketNotificationConfiguration",
        { _ = try await $0.bucketNotifications(bucket: "orders") }
    ),
    (
        "ListMultipartUploads",
        { _ = try await $0.abortUnfinishedUploads(bucket: "orders", key: ObjectKey("k")) }
    ),
    (
        "CreateMultipartUpload",
        {
            _ = try await S3Upload.create(
                $0, bucket: "orders", key: ObjectKey("k"), contentType: "text/csv", metadata: [])
        }
    ),
]

@Test func `every call names the account that the bucket must belong to`() async throws {
    for (name, call) in calls {
        let bench = try Bench([.reply(405, headers: [now], body: xmlError("MethodNotAllowed"))])
        try? await call(S3Client(bench.caller, expectedBucketOwner: "111122223333"))
        let request = try #require(bench.exchange.requests.first, "\(name)")
        #expect(request.header("x-amz-expected-bucket-owner") == "111122223333", "\(name)")
        let authorization = try #require(request.header("authorization"))
        #expect(authorization.contains("x-amz-expected-bucket-owner"), "\(name) does not sign it")

        let open = try Bench([.reply(405, headers: [now], body: xmlError("MethodNotAllowed"))])
        try? await call(S3Client(open.caller))
        #expect(
            open.exchange.requests.first?.header("x-amz-expected-bucket-owner") == nil, "\(name)")
    }
    print("calls with the owner \(calls.count)")
}

@Test func `a HEAD that is explained by a GET names the account twice`() async throws {
    let bench = try Bench([.reply(403), .reply(403, body: xmlError("AccessDenied"))])
    let client = S3Client(bench.caller, expectedBucketOwner: "111122223333")
    _ = await bench.failure { () throws(AWSFailure) in
        try await client.headObject(bucket: "orders", key: ObjectKey("k"), versionID: nil)
    }
    #expect(
        bench.exchange.requests.map { $0.header("x-amz-expected-bucket-owner") }
            == ["111122223333", "111122223333"])
}

@Test func `notifications are read and priorities changed`() async throws {
    let body = """
        <NotificationConfiguration><QueueConfiguration><Queue>arn:q</Queue>\
        <Event>s3:Replication:*</Event></QueueConfiguration></NotificationConfiguration>
        """
    let bench = try Bench([.reply(200, body: body), .reply(200)])
    let found = try await S3Client(bench.caller).bucketNotifications(bucket: "orders")
    #expect(found.map { $0.sends("s3:Replication:OperationFailedReplication") } == [true])
    let control = S3ControlClient(bench.caller, account: "111122223333")
    try await control.updateJobPriority("job", to: 7)
    #expect(
        bench.exchange.requests.map { $0.method + " " + $0.url } == [
            "GET https://orders.s3.eu-west-1.amazonaws.com/?notification=",
            "POST https://111122223333.s3-control.eu-west-1.amazonaws.com/v20180820/jobs/job/priority"
                + "?priority=7",
        ])
}
