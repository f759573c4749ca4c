internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Testing

private let key = ObjectKey("a b")
private let moment = Timestamp(milliseconds: 1_800_000_000_000)
private let customerKey =
    "The object was stored using a form of Server Side Encryption. The correct parameters must be "
    + "provided to retrieve the object."

private func head(_ bench: Bench) async throws(AWSFailure) -> HeadObjectOutcome {
    try await S3Client(bench.caller).headObject(bucket: "orders", key: key, versionID: "null")
}

@Test func `a manifest is stored once, with its headers`() async throws {
    let stored: [(name: String, value: String)] = [("ETag", "\"e\""), ("x-amz-version-id", "v")]
    let bench = try Bench([.reply(200, headers: stored), .reply(412)])
    let client = S3Client(bench.caller)
    func put() async throws(AWSFailure) -> PutObjectOutcome {
        try await client.putObject(
            bucket: "orders", key: key, body: [1], contentType: "text/csv",
            metadata: [("sha256", "00")], onlyIfAbsent: true)
    }
    #expect(try await put() == .stored(PutObjectReply(eTag: "e", versionID: "v")))
    #expect(try await put() == .alreadyExists)
    let request = try #require(bench.exchange.requests.first)
    #expect(request.url == "https://orders.s3.eu-west-1.amazonaws.com/a%20b")
    #expect(request.header("if-none-match") == "*")
    #expect(request.header("x-amz-server-side-encryption") == "AES256")
    #expect(request.header("x-amz-meta-sha256") == "00")
    #expect(request.header("x-amz-content-sha256")?.utf8.count == 64)
}

@Test func `a refused HEAD is explained by a GET of one byte`() async throws {
    let bench = try Bench([
        .reply(403, headers: [now]),
        .reply(403, headers: [now], body: xmlError("AccessDenied", "no s3:GetObjectVersion")),
    ])
    let failure = await bench.failure { () throws(AWSFailure) in try await head(bench) }
    #expect("\(failure as Any)".contains("403 AccessDenied: no s3:GetObjectVersion"))
    #expect(bench.exchange.requests.map(\.method) == ["HEAD", "GET"])
    #expect(bench.exchange.requests.last?.header("range") == "bytes=0-0")
}

@Test func `only S3's own words make 400 a missing customer key`() async throws {
    let encrypted = try Bench([
        .reply(400, headers: [now]),
        .reply(400, headers: [now], body: xmlError("InvalidRequest", customerKey)),
    ])
    #expect(try await head(encrypted) == .customerKeyNeeded(date: moment))
    for code in ["InvalidArgument", "ExpiredToken", "InvalidRequest"] {
        let other = try Bench([
            .reply(400, headers: [now]), .reply(400, headers: [now], body: xmlError(code)),
        ])
        let failure = await other.failure { () throws(AWSFailure) in try await head(other) }
        #expect(failure?.code == code)
    }
}

@Test(arguments: [
    ScriptedExchange.Step.reply(206, headers: [now], body: "x"),
    .reply(416, body: xmlError("InvalidRange")), .reply(404, body: xmlError("NoSuchVersion")),
    .reply(403, body: xmlError("InvalidObjectState")),
])
func `an expired token behind a bare 400 is refreshed and the HEAD repeated`(
    answer: ScriptedExchange.Step
) async throws {
    let bench = try Bench(
        [
            .reply(400, headers: [now]), .reply(400, body: xmlError("ExpiredToken")), answer,
            .reply(404, headers: [now]),
        ], credentials: [Bench.first, Bench.second])
    #expect(try await head(bench) == .absent(date: moment))
    #expect(bench.exchange.requests.map(\.method) == ["HEAD", "GET", "GET", "HEAD"])
}

@Test func `absence is proved by reading every version of the key`() async throws {
    func page(_ versions: [(String, String)], next: (String, String)?) -> ScriptedExchange.Step {
        let entries = versions.map {
            "<Version><Key>\($0.0)</Key><VersionId>\($0.1)</VersionId></Version>"
        }
        let marker = next.map {
            "<NextKeyMarker>\($0.0)</NextKeyMarker><NextVersionIdMarker>\($0.1)</NextVersionIdMarker>"
        }
        return .reply(
            200,
            body: "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>\(next != nil)"
                + "</IsTruncated>\(marker ?? "")\(entries.joined())</ListVersionsResult>")
    }
    func exists(_ pages: [ScriptedExchange.Step]) async throws -> (Bool, requests: [String]) {
        let bench = try Bench(pages)
        let exists = try await S3Client(bench.caller).objectVersionExists(
            bucket: "orders", key: key, versionID: "v9")
        return (exists, bench.exchange.requests.map(\.url))
    }
    let first = page([("a+b", "v1"), ("a+b", "v2")], next: ("a+b", "v2"))
    let found = try await exists([first, page([("a+b", "v9")], next: nil)])
    #expect(found.0)
    #expect(
        found.requests.last == "https://orders.s3.eu-west-1.amazonaws.com/?encoding-type=url"
            + "&key-marker=a%20b&prefix=a%20b&version-id-marker=v2&versions=")
    #expect(try await exists([first, page([("a+bc", "v9")], next: ("a+bc", "v9"))]).0 == false)
    #expect(try await exists([page([], next: nil)]).0 == false)
}

@Test func `no key that XML may have changed is proved absent`() async throws {
    let body = "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>"
    for (text, isProved) in [("a\rb", false), ("a\u{1}", false), ("a b", true), ("\u{e9}", true)] {
        let bench = try Bench([.reply(200, body: body)])
        let failure = await bench.failure { () throws(AWSFailure) in
            try await S3Client(bench.caller).objectVersionExists(
                bucket: "orders", key: ObjectKey(text), versionID: "v")
        }
        #expect((failure == nil) == isProved, "\(text.debugDescription)")
    }
}

@Test func `a bucket without replication has no rules`() async throws {
    let bench = try Bench([.reply(404, body: xmlError("ReplicationConfigurationNotFoundError"))])
    #expect(try await S3Client(bench.caller).bucketReplication(bucket: "orders").isEmpty)
}

@Test func `all pages of jobs are read, and a list without end is refused`() async throws {
    func page(_ id: String, next: String?) -> ScriptedExchange.Step {
        let token = next.map { "<NextToken>\($0)</NextToken>" } ?? ""
        return .reply(
            200,
            body:
                "<ListJobsResult>\(token)<Jobs><member><JobId>\(id)</JobId><Status>Active</Status>"
                + "<CreationTime>2026-11-24T06:11:06Z</CreationTime></member></Jobs></ListJobsResult>"
        )
    }
    let bench = try Bench([page("1", next: "n"), page("2", next: nil)])
    let jobs = try await S3ControlClient(bench.caller, account: "111122223333")
        .listJobs(statuses: ["Active"])
    #expect(jobs.map(\.id) == ["1", "2"])
    #expect(bench.exchange.requests.last?.url.contains("nextToken=n") == true)
    #expect(bench.exchange.requests.first?.header("x-amz-account-id") == "111122223333")

    let endless = try Bench([ScriptedExchange.Step](repeating: page("1", next: "n"), count: 100))
    let failure = await endless.failure { () throws(AWSFailure) in
        try await S3ControlClient(endless.caller, account: "111122223333").listJobs()
    }
    #expect(failure?.description == "ListJobs: unreadable reply: more than 100 pages of jobs")
}

@Test func `a created job's body goes out as it was stored`() async throws {
    let bench = try Bench([
        .reply(503), .reply(200, body: "<CreateJobResult><JobId>j-1</JobId></CreateJobResult>"),
    ])
    let body = Array("<CreateJobRequest/>".utf8)
    let id = try await S3ControlClient(bench.caller, account: "111122223333").createJob(body)
    #expect(id == "j-1")
    #expect(bench.exchange.requests.map(\.body) == [body, body])
    #expect(
        bench.exchange.requests.first?.url
            == "https://111122223333.s3-control.eu-west-1.amazonaws.com/v20180820/jobs")
}

@Test func `an object is read piece by piece`() async throws {
    func piece(_ range: String, _ body: String) -> ScriptedExchange.Step {
        .reply(206, headers: [("Content-Range", range), ("ETag", "\"e\"")], body: body)
    }
    let bench = try Bench([
        piece("bytes 0-2/5", "abc"), piece("bytes 3-4/5", "de"),
        .reply(416, headers: [("Content-Range", "bytes */5")], body: xmlError("InvalidRange")),
        .reply(200, body: "abc"),
    ])
    let client = S3Client(bench.caller)
    var pieces: [ObjectPiece] = []
    for (offset, eTag) in [(Int64(0), nil), (3, "e"), (5, "e"), (0, nil)] {
        pieces.append(
            try await client.getObjectPiece(
                bucket: "reports", key: key, offset: offset, maximumBytes: 3, ifMatch: eTag))
    }
    #expect(pieces.map { String(decoding: $0.bytes, as: UTF8.self) } == ["abc", "de", "", "abc"])
    #expect(pieces.map(\.objectBytes) == [5, 5, 5, 3])
    #expect(bench.exchange.requests.allSatisfy { $0.maximumReplyBytes == 65_536 })
    #expect(
        bench.exchange.requests.map { $0.header("range") }
            == ["bytes=0-2", "bytes=3-5", "bytes=5-7", "bytes=0-2"])
    #expect(bench.exchange.requests.map { $0.header("if-match") } == [nil, "\"e\"", "\"e\"", nil])
}

@Test(arguments: ["", "bytes 0-2/5", "bytes 3-4/*", "bytes 3-9/4", "lines 3-4/5"])
func `a piece from another place is refused`(range: String) async throws {
    let bench = try Bench([.reply(206, headers: [("Content-Range", range)], body: "de")])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await S3Client(bench.caller).getObjectPiece(
            bucket: "reports", key: key, offset: 3, maximumBytes: 3, ifMatch: nil)
    }
    #expect(failure?.description.hasPrefix("GetObject: unreadable reply: Content-Range is") == true)
}

@Test func `more than was asked for is refused, and a small limit does not hide an error`()
    async throws
{
    let bench = try Bench([
        .reply(200, body: "abcd"), .reply(200, body: "abcd"),
        .reply(404, body: xmlError("NoSuchKey")),
    ])
    let client = S3Client(bench.caller)
    func get() async throws(AWSFailure) -> [UInt8] {
        try await client.getObject(bucket: "reports", key: key, maximumBytes: 3)
    }
    #expect(
        await bench.failure(of: get)?.description
            == "GetObject: unreadable reply: longer than 3 bytes")
    let piece = await bench.failure { () throws(AWSFailure) in
        try await client.getObjectPiece(
            bucket: "reports", key: key, offset: 0, maximumBytes: 3, ifMatch: nil)
    }
    #expect(piece?.description == "GetObject: unreadable reply: longer than 3 bytes")
    #expect(await bench.failure(of: get)?.code == "NoSuchKey")
}
