internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Testing

private struct SourceTrouble: Error {}
private typealias Step = ScriptedExchange.Step

private let created = Step.reply(
    200,
    body: "<InitiateMultipartUploadResult><UploadId>new</UploadId></InitiateMultipartUploadResult>")
private let part = Step.reply(200, headers: [("ETag", "\"p\"")])
private let completed = Step.reply(
    200, headers: [("x-amz-version-id", "v")],
    body: "<CompleteMultipartUploadResult><ETag>\"e-3\"</ETag></CompleteMultipartUploadResult>")

private func uploads(_ entries: [(key: String, id: String)], next: String = "") -> Step {
    let list = entries.map { "<Upload><Key>\($0.key)</Key><UploadId>\($0.id)</UploadId></Upload>" }
    let more =
        next.isEmpty
        ? "<IsTruncated>false</IsTruncated>"
        : "<IsTruncated>true</IsTruncated><NextKeyMarker>\(next)</NextKeyMarker>"
            + "<NextUploadIdMarker>n</NextUploadIdMarker>"
    return .reply(
        200,
        body: "<ListMultipartUploadsResult>\(list.joined())\(more)</ListMultipartUploadsResult>")
}

private func found(_ digest: String) -> Step {
    .reply(
        200,
        headers: [now, ("ETag", "\"before\""), ("x-amz-meta-s3remedy-sha256", digest)])
}

/// Content of some length, in pieces of some length.
private struct Content {
    var bytes: Int
    var piece = 1_000_000

    var pieces: [[UInt8]] {
        stride(from: 0, to: bytes, by: piece).map { start in
            [UInt8](repeating: UInt8(start / piece & 0xFF), count: min(piece, bytes - start))
        }
    }

    var digest: ContentDigest {
        get throws {
            let digest = try #require(RunningDigest(.sha256))
            for piece in pieces { digest.update(piece) }
            return ContentDigest(digest)
        }
    }
}

private func upload(
    _ bench: Bench, _ content: Content, announced: ContentDigest? = nil, fails: Bool = false
) async throws -> UploadedObject {
    var rest = content.pieces[...]
    return try await S3Client(bench.caller, expectedBucketOwner: "111122223333").uploadOnce(
        bucket: "orders", key: ObjectKey("m.csv"), contentType: "text/csv",
        content: announced ?? (try content.digest)
    ) { () async throws(SourceTrouble) in
        if fails, rest.count == 1 { throw SourceTrouble() }
        return rest.popFirst()
    }
}

private func failure(
    _ work: () async throws -> UploadedObject
) async -> UploadFailure<SourceTrouble>? {
    do {
        _ = try await work()
        return nil
    } catch {
        return error as? UploadFailure<SourceTrouble>
    }
}

private let large = Content(bytes: 20 * 1024 * 1024 + 5)

@Test func `a short object is one PUT where no other is, with our digest and S3's own encryption`()
    async throws
{
    let bench = try Bench([.reply(200, headers: [("ETag", "\"e\""), ("x-amz-version-id", "v")])])
    let content = Content(bytes: 2_500_000)
    #expect(try await upload(bench, content) == UploadedObject(eTag: "e", versionID: "v"))
    let request = try #require(bench.exchange.requests.first)
    #expect(request.method == "PUT" && request.body == content.pieces.flatMap { $0 })
    #expect(request.header("if-none-match") == "*")
    #expect(request.header("x-amz-server-side-encryption") == "AES256")
    #expect(request.header("x-amz-expected-bucket-owner") == "111122223333")
    #expect(request.header("x-amz-meta-s3remedy-sha256") == (try content.digest).sha256)
}

@Test func `a long object goes up in parts of 8 MiB, behind a clean-up of its own key`()
    async throws
{
    let bench = try Bench([
        uploads([("m.csv", "old/1"), ("m.csv.other", "not-ours")]), .reply(204), created, part,
        part, part, completed,
    ])
    #expect(try await upload(bench, large) == UploadedObject(eTag: "e-3", versionID: "v"))
    let requests = bench.exchange.requests
    let base = "https://orders.s3.eu-west-1.amazonaws.com/"
    #expect(
        requests.map { $0.method + " " + $0.url } == [
            "GET \(base)?encoding-type=url&prefix=m.csv&uploads=",
            "DELETE \(base)m.csv?uploadId=old%2F1", "POST \(base)m.csv?uploads=",
            "PUT \(base)m.csv?partNumber=1&uploadId=new",
            "PUT \(base)m.csv?partNumber=2&uploadId=new",
            "PUT \(base)m.csv?partNumber=3&uploadId=new", "POST \(base)m.csv?uploadId=new",
        ])
    let mebibyte = 1024 * 1024
    #expect(
        requests[3...5].map(\.body.count) == [8 * mebibyte, 8 * mebibyte, 4 * mebibyte + 5])
    #expect(requests[3...5].flatMap(\.body) == large.pieces.flatMap { $0 })
    #expect(requests[2].header("x-amz-meta-s3remedy-sha256") == (try large.digest).sha256)
    #expect(requests[2].header("x-amz-server-side-encryption") == "AES256")
    #expect(requests[6].header("if-none-match") == "*")
    #expect(requests.allSatisfy { $0.header("x-amz-expected-bucket-owner") == "111122223333" })
}

@Test func `the clean-up reads on while the key's own uploads fill a page`() async throws {
    let bench = try Bench([
        uploads([("m.csv", "1")], next: "m.csv"), .reply(204),
        uploads([("m.csv", "2")], next: "m.d"),
        .reply(204),
    ])
    #expect(
        try await S3Client(bench.caller).abortUnfinishedUploads(
            bucket: "orders", key: ObjectKey("m.csv")) == 2)
    #expect(bench.exchange.requests[2].url.contains("key-marker=m.csv"))
    #expect(bench.exchange.requests[2].url.contains("upload-id-marker=n"))
}

@Test func `a clean-up that is not allowed stops no upload, and is told`() async throws {
    let denied = Step.reply(403, body: xmlError("AccessDenied"))
    let bench = try Bench([denied, created, part, part, part, completed])
    let object = try await upload(bench, large)
    #expect(object.eTag == "e-3" && object.cleanUpTrouble?.code == "AccessDenied")
}

@Test(arguments: [412, 404]) func `what is there with our digest is ours from before a crash`(
    status: Int
) async throws {
    let short = try Bench([.reply(412, body: xmlError("PreconditionFailed")), found("00")])
    let content = Content(bytes: 1)
    let other = await failure { try await upload(short, content) }
    guard case .taken(let sentence) = other else {
        Issue.record("\(String(describing: other))"); return
    }
    #expect(sentence.hasPrefix("s3://orders/m.csv exists with other content"))

    // 404: the reply to the first CompleteMultipartUpload was lost.
    let refused = Step.reply(
        status, body: xmlError(status == 412 ? "PreconditionFailed" : "NoSuchUpload"))
    let bench = try Bench([
        uploads([]), created, part, part, part, refused, .reply(204),
        found(try large.digest.sha256),
    ])
    #expect(
        try await upload(bench, large)
            == UploadedObject(eTag: "before", versionID: nil, isFromBefore: true))
    #expect(bench.exchange.requests[6].method == "DELETE")
    #expect(bench.exchange.unusedSteps == 0)
}

@Test func `a part that fails, a source that fails and content that changed abort the upload`()
    async throws
{
    let denied = Step.reply(403, body: xmlError("AccessDenied"))
    let first = try Bench([uploads([]), created, part, denied, .reply(204)])
    guard case .aws(let trouble) = await failure({ try await upload(first, large) })
    else { Issue.record("not the service's error"); return }
    #expect(trouble.code == "AccessDenied")

    let second = try Bench([uploads([]), created, part, part, .reply(204)])
    guard case .source = await failure({ try await upload(second, large, fails: true) })
    else { Issue.record("not the source's error"); return }

    let announced = ContentDigest(byteCount: large.digestBytes, sha256: "00")
    let third = try Bench([uploads([]), created, part, part, .reply(204)])
    guard
        case .interrupted = await failure({ try await upload(third, large, announced: announced) })
    else { Issue.record("not the digest's error"); return }

    let short = ContentDigest(byteCount: 17 * 1024 * 1024, sha256: "00")
    let fourth = try Bench([uploads([]), created, part, part, .reply(204)])
    guard case .interrupted = await failure({ try await upload(fourth, large, announced: short) })
    else { Issue.record("not the length's error"); return }

    for bench in [first, second, third, fourth] {
        #expect(bench.exchange.requests.last?.method == "DELETE")
        #expect(bench.exchange.unusedSteps == 0)
    }
}

@Test func `content that changed is not put`() async throws {
    let bench = try Bench([])
    let announced = ContentDigest(byteCount: 10, sha256: "00")
    guard
        case .interrupted(let sentence) = await failure({
            try await upload(bench, Content(bytes: 11), announced: announced)
        })
    else { Issue.record("not the digest's error"); return }
    #expect(sentence.contains("was to be 10 bytes") && bench.exchange.requests.isEmpty)
}

@Test func `ten million rows of the longest keys fit into S3's parts`() {
    // Bucket, key with every byte encoded, version ID, separators.
    let row: Int64 = 63 + 3 * 1024 + 1024 + 3
    for rows: Int64 in [1, 10_000_000, 20_000_000] {
        let size = S3MultipartRequest.partBytes(total: rows * row)
        #expect(Int64(size) * Int64(S3MultipartRequest.maximumParts) >= rows * row)
        #expect(size >= 8 * 1024 * 1024)
        if rows == 10_000_000 { #expect(size == 8 * 1024 * 1024) }
    }
}

extension Content {
    fileprivate var digestBytes: Int64 { Int64(bytes) }
}
