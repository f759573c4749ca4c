package import Domain

/// AWS Signature Version 4 in headers. S3 (and S3 Control) sign the path as it is sent and the body's hash in a
/// header; the other services normalise the path and encode it a second time.
/// Source: IAM User Guide, "Create a signed AWS API request"; compared with botocore's signer in the tests.
package struct SignatureV4: Sendable {
    /// The key of one day, Region, service and secret; deriving it costs four HMACs.
    private struct DerivedKey: Sendable {
        var day: Substring
        var region: String
        var service: String
        var secret: String
        /// `20261124/eu-west-1/sqs/aws4_request`.
        var scope: String
        var bytes: [UInt8]
    }

    private var derived: DerivedKey?
    /// The date of a second, which many requests share.
    private var stamp: (second: Int64, text: String)?

    package init() {}

    /// The headers to send beside the request's own.
    package mutating func headers(
        signing request: AWSRequest, with credentials: AWSCredentials, region: String,
        at time: Timestamp
    ) -> [(name: String, value: String)] {
        let date = amzDate(time)
        let bodyHash = hexadecimal(sha256(request.body))
        let service = request.service.signingName
        var added: [(name: String, value: String)] = [("x-amz-date", date)]
        if let token = credentials.sessionToken { added.append(("x-amz-security-token", token)) }
        if service == "s3" { added.append(("x-amz-content-sha256", bodyHash)) }

        let signed = SignedHeaders([("host", request.host)] + request.headers + added)
        let key = derivedKey(
            day: date.prefix(8), region: region, service: service,
            secret: credentials.secretAccessKey)
        var text: [UInt8] = []
        text.reserveCapacity(160)
        text.append(contentsOf: "AWS4-HMAC-SHA256\n".utf8)
        text.append(contentsOf: date.utf8)
        text.append(newline)
        text.append(contentsOf: key.scope.utf8)
        text.append(newline)
        appendHexadecimal(sha256(canonicalRequest(request, signed, bodyHash)), to: &text)

        var authorization: [UInt8] = []
        authorization.reserveCapacity(320)
        authorization.append(contentsOf: "AWS4-HMAC-SHA256 Credential=".utf8)
        authorization.append(contentsOf: credentials.accessKeyID.utf8)
        authorization.append(UInt8(ascii: "/"))
        authorization.append(contentsOf: key.scope.utf8)
        authorization.append(contentsOf: ", SignedHeaders=".utf8)
        authorization.append(contentsOf: signed.names)
        authorization.append(contentsOf: ", Signature=".utf8)
        appendHexadecimal(hmacSHA256(key: key.bytes, text), to: &authorization)
        added.append(("authorization", String(decoding: authorization, as: UTF8.self)))
        return added
    }

    private mutating func derivedKey(
        day: Substring, region: String, service: String, secret: String
    ) -> DerivedKey {
        if let derived, derived.day == day, derived.region == region, derived.service == service,
            derived.secret == secret
        {
            return derived
        }
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let bytes = scope.split(separator: "/").reduce(Array("AWS4\(secret)".utf8)) { key, part in
            hmacSHA256(key: key, Array(part.utf8))
        }
        let made = DerivedKey(
            day: day, region: region, service: service, secret: secret, scope: scope, bytes: bytes)
        derived = made
        return made
    }

    /// `20261124T061106Z`.
    private mutating func amzDate(_ time: Timestamp) -> String {
        let second = time.milliseconds / 1000
        if let stamp, stamp.second == second { return stamp.text }
        let kept = time.description.utf8.prefix { $0 != UInt8(ascii: ".") }
            .filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ":") }
        let text = String(decoding: kept, as: UTF8.self) + "Z"
        stamp = (second, text)
        return text
    }
}

private let newline = UInt8(ascii: "\n")

private func canonicalRequest(
    _ request: AWSRequest, _ signed: SignedHeaders, _ bodyHash: String
) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256 + signed.lines.count)
    for part in [request.method, canonicalPath(request), request.canonicalQuery] {
        bytes.append(contentsOf: part.utf8)
        bytes.append(newline)
    }
    bytes.append(contentsOf: signed.lines)
    bytes.append(newline)
    bytes.append(contentsOf: signed.names)
    bytes.append(newline)
    bytes.append(contentsOf: bodyHash.utf8)
    return bytes
}

private func canonicalPath(_ request: AWSRequest) -> String {
    guard request.service.signingName != "s3", request.path != "/" else { return request.path }
    var kept: [Substring] = []
    for segment in request.path.split(separator: "/") where segment != "." {
        if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
    }
    let isDirectory = request.path.hasSuffix("/") && !kept.isEmpty
    let normal = "/" + kept.joined(separator: "/") + (isDirectory ? "/" : "")
    return percentEncoded(Array(normal.utf8), keeping: .slash)
}

/// Lower-case names in order, blanks trimmed and runs of them folded, values of one name joined by commas.
private struct SignedHeaders {
    /// `name:value\n` each.
    private(set) var lines: [UInt8] = []
    /// Joined by semicolons.
    private(set) var names: [UInt8] = []

    init(_ headers: [(name: String, value: String)]) {
        let lowered = headers.map { (name: lowercase($0.name), value: $0.value) }
        let order = lowered.indices.sorted { left, right in
            let (one, other) = (lowered[left].name, lowered[right].name)
            // Values of one name stay in their order.
            return one == other ? left < right : one.lexicographicallyPrecedes(other)
        }
        lines.reserveCapacity(lowered.reduce(0) { $0 + $1.name.count + $1.value.utf8.count + 2 })
        var previous: [UInt8] = []
        for index in order {
            let name = lowered[index].name
            if name == previous {
                lines[lines.count - 1] = UInt8(ascii: ",")
            } else {
                if !names.isEmpty { names.append(UInt8(ascii: ";")) }
                names.append(contentsOf: name)
                lines.append(contentsOf: name)
                lines.append(UInt8(ascii: ":"))
            }
            appendFolded(lowered[index].value, to: &lines)
            lines.append(newline)
            previous = name
        }
    }
}

private func lowercase(_ name: String) -> [UInt8] {
    name.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
}

private func appendFolded(_ value: String, to bytes: inout [UInt8]) {
    var isStarted = false
    var isBlankPending = false
    let text = value.utf8Span.span
    for index in text.indices {
        let byte = text[index]
        if byte == 0x20 || byte == 0x09 {
            isBlankPending = isStarted
            continue
        }
        if isBlankPending { bytes.append(0x20) }
        isBlankPending = false
        isStarted = true
        bytes.append(byte)
    }
}
