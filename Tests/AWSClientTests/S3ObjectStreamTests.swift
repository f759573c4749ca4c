internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Testing

private let text = "0123456789"
private let md5 = "781e5e245d69b566979b86e28d23f2c7"

private func piece(_ from: Int, _ to: Int, eTag: String = md5, of bytes: String = text)
    -> ScriptedExchange.Step
{
    let range = Array(bytes.utf8)[from..<min(to, bytes.utf8.count)]
    return .reply(
        206,
        headers: [
            ("ETag", "\"\(eTag)\""),
            ("Content-Range", "bytes \(from)-\(from + range.count - 1)/\(bytes.utf8.count)"),
        ], body: String(decoding: range, as: UTF8.self))
}

private func read(
    _ bench: Bench, _ digest: String = md5
) async throws(ObjectStreamFailure) -> String {
    let stream = try await S3ObjectStream.open(
        S3Client(bench.caller), bucket: "orders", key: ObjectKey("r.csv"), md5: digest,
        pieceBytes: 4)
    var bytes: [UInt8] = []
    while let piece = try await stream.next() { bytes += piece }
    return String(decoding: bytes, as: UTF8.self)
}

private func failure(of bench: Bench, _ digest: String = md5) async -> ObjectStreamFailure? {
    do {
        _ = try await read(bench, digest)
        return nil
    } catch {
        return error
    }
}

@Test func `an object whose entity tag is its MD5 is read once, pinned by it`() async throws {
    let bench = try Bench([piece(0, 4), piece(4, 8), piece(8, 12)])
    #expect(try await read(bench) == text)
    let requests = bench.exchange.requests
    #expect(requests.map { $0.header("range") } == ["bytes=0-3", "bytes=4-7", "bytes=8-11"])
    #expect(requests.map { $0.header("if-match") } == [nil, "\"\(md5)\"", "\"\(md5)\""])
}

@Test func `any other entity tag costs one reading before a byte is handed out`() async throws {
    let pieces = [piece(0, 4, eTag: "x-2"), piece(4, 8, eTag: "x-2"), piece(8, 12, eTag: "x-2")]
    let bench = try Bench(pieces + pieces[1...])
    #expect(try await read(bench) == text)
    #expect(bench.exchange.requests[1...].allSatisfy { $0.header("if-match") == "\"x-2\"" })
}

@Test func `nothing of a damaged object is handed out`() async throws {
    let bench = try Bench([
        piece(0, 4, eTag: "x-2", of: "0123x56789"), piece(4, 8, eTag: "x-2", of: "0123x56789"),
        piece(8, 12, eTag: "x-2", of: "0123x56789"),
    ])
    let trouble = await failure(of: bench)
    guard case .damaged(let sentence) = trouble else {
        Issue.record("\(String(describing: trouble))"); return
    }
    #expect(sentence.hasSuffix("instead of \(md5)"))
    #expect(bench.exchange.unusedSteps == 0)
}

@Test func `damage on the way is found at the end`() async throws {
    let bench = try Bench([piece(0, 4), piece(4, 8, of: "0123x56789"), piece(8, 12)])
    guard case .damaged = await failure(of: bench) else { Issue.record("not found"); return }
}

@Test func `an object that changes meanwhile is an error`() async throws {
    let changed = ScriptedExchange.Step.reply(412, body: xmlError("PreconditionFailed"))
    let bench = try Bench([piece(0, 4), changed])
    guard case .aws(let trouble) = await failure(of: bench) else {
        Issue.record("not found"); return
    }
    #expect(trouble.code == "PreconditionFailed")
    // A server that takes no notice of the entity tag.
    let other = try Bench([piece(0, 4), piece(4, 8, of: "0123456")])
    guard case .damaged = await failure(of: other) else { Issue.record("not found"); return }
}

@Test func `an empty object is read`() async throws {
    let empty = ScriptedExchange.Step.reply(
        416, headers: [("Content-Range", "bytes */0")], body: xmlError("InvalidRange"))
    #expect(try await read(try Bench([empty]), "d41d8cd98f00b204e9800998ecf8427e").isEmpty)
}

@Test func `digests in pieces are those of the whole`() throws {
    let bytes = Array(text.utf8)
    let sha = try #require(RunningDigest(.sha256))
    let md5Digest = try #require(RunningDigest(.md5))
    for byte in bytes {
        sha.update([byte])
        md5Digest.update([byte])
    }
    sha.update([])
    #expect(sha.hexadecimalDigest() == hexadecimal(sha256(bytes)))
    #expect(md5Digest.hexadecimalDigest() == md5 && md5Digest.byteCount == 10)
}
