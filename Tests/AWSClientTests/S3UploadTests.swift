internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Testing

private let created = ScriptedExchange.Step.reply(
    200,
    body: "<InitiateMultipartUploadResult><UploadId>u/1+</UploadId></InitiateMultipartUploadResult>"
)

private func begin(_ bench: Bench) async throws(AWSFailure) -> S3Upload {
    try await S3Upload.create(
        S3Client(bench.caller), bucket: "orders", key: ObjectKey("m.csv"), contentType: "text/csv",
        metadata: [("sha256", "00")])
}

@Test func `parts become one object`() async throws {
    let result =
        "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>"
    let bench = try Bench([
        created, .reply(200, headers: [("ETag", "\"p1\"")]),
        .reply(200, headers: [("ETag", "\"p2\"")]),
        .reply(200, headers: [("x-amz-version-id", "v")], body: result),
    ])
    var upload = try await begin(bench)
    try await upload.append([1])
    try await upload.append([2])
    let outcome = try await upload.complete(onlyIfAbsent: true)
    #expect(outcome == .stored(PutObjectReply(eTag: "e-2", versionID: "v")))
    let requests = bench.exchange.requests
    let base = "https://orders.s3.eu-west-1.amazonaws.com/m.csv?"
    #expect(
        requests.map(\.url) == [
            base + "uploads=", base + "partNumber=1&uploadId=u%2F1%2B",
            base + "partNumber=2&uploadId=u%2F1%2B", base + "uploadId=u%2F1%2B",
        ])
    #expect(requests[0].header("x-amz-server-side-encryption") == "AES256")
    #expect(requests[3].header("if-none-match") == "*")
    #expect(
        String(decoding: requests[3].body, as: UTF8.self)
            == "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            + "<Part><ETag>&quot;p1&quot;</ETag><PartNumber>1</PartNumber></Part>"
            + "<Part><ETag>&quot;p2&quot;</ETag><PartNumber>2</PartNumber></Part>"
            + "</CompleteMultipartUpload>")
}

@Test func `an error behind status 200 is an error`() async throws {
    let failed = ScriptedExchange.Step.reply(200, body: xmlError("InternalError"))
    let bench = try Bench([created, failed, failed, failed, .reply(204)])
    let upload = try await begin(bench)
    let failure = await bench.failure { () throws(AWSFailure) in
        try await upload.complete(onlyIfAbsent: true)
    }
    #expect(failure?.code == "InternalError")
    #expect(bench.exchange.unusedSteps == 1)
    try await upload.abort()
    #expect(bench.exchange.requests.last?.method == "DELETE")
}

@Test func `a taken key is told apart`() async throws {
    let bench = try Bench([created, .reply(412, body: xmlError("PreconditionFailed"))])
    let upload = try await begin(bench)
    #expect(try await upload.complete(onlyIfAbsent: true) == .alreadyExists)
}

@Test func `a bucket's versioning and lifecycle are read`() async throws {
    let lifecycle = """
        <LifecycleConfiguration><Rule><Status>Enabled</Status></Rule><Rule><Status>Disabled</Status></Rule>\
        </LifecycleConfiguration>
        """
    let bench = try Bench([
        .reply(
            200, body: "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        ),
        .reply(200, body: "<VersioningConfiguration/>"), .reply(200, body: lifecycle),
        .reply(404, body: xmlError("NoSuchLifecycleConfiguration")),
    ])
    let client = S3Client(bench.caller)
    #expect(try await client.bucketVersioning(bucket: "orders") == "Enabled")
    #expect(try await client.bucketVersioning(bucket: "orders") == nil)
    #expect(try await client.enabledLifecycleRules(bucket: "orders") == 1)
    #expect(try await client.enabledLifecycleRules(bucket: "orders") == 0)
}
