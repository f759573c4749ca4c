package import Domain

/// AWS Signature Version 4 in headers. S3 (and S3 Control) sign the path as it is sent and the body's hash in a
/// header; the other services normalise the path and encode it a second time.
/// Source: IAM User Guide, "Create a signed AWS API request"; compared with botocore's signer in the tests.
package struct SignatureV4: Sendable {
    /// The key of one day, Region, service and secret; deriving it costs four HMACs.
    private var derived: (scope: String, secret: String, key: [UInt8])?

    package init() {}

    /// The headers to send beside the request's own.
    package mutating func headers(
        signing request: AWSRequest, with credentials: AWSCredentials, region: String,
        at time: Timestamp
    ) -> [(name: String, value: String)] {
        let date = amzDate(time)
        let bodyHash = hexadecimal(sha256(request.body))
        var added: [(name: String, value: String)] = [("x-amz-date", date)]
        if let token = credentials.sessionToken { added.append(("x-amz-security-token", token)) }
        if request.service.signingName == "s3" { added.append(("x-amz-content-sha256", bodyHash)) }

        let signed = canonicalHeaders([("host", request.host)] + request.headers + added)
        let names = signed.map(\.name).joined(separator: ";")
        let canonical = [
            request.method, canonicalPath(request), request.canonicalQuery,
            signed.map { $0.name + ":" + $0.value + "\n" }.joined(), names, bodyHash,
        ].joined(separator: "\n")
        let scope = "\(date.prefix(8))/\(region)/\(request.service.signingName)/aws4_request"
        let text = [
            "AWS4-HMAC-SHA256", date, scope, hexadecimal(sha256(Array(canonical.utf8))),
        ].joined(separator: "\n")
        let signature = hexadecimal(
            hmacSHA256(key: signingKey(credentials.secretAccessKey, scope), text))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
            + "SignedHeaders=\(names), Signature=\(signature)"
        return added + [("authorization", authorization)]
    }

    private mutating func signingKey(_ secret: String, _ scope: String) -> [UInt8] {
        if let derived, derived.scope == scope, derived.secret == secret { return derived.key }
        let key = scope.split(separator: "/").reduce(Array("AWS4\(secret)".utf8)) { key, part in
            hmacSHA256(key: key, part)
        }
        derived = (scope, secret, key)
        return key
    }
}

/// `20261124T061106Z`.
private func amzDate(_ time: Timestamp) -> String {
    time.description.prefix { $0 != "." }.filter { $0 != "-" && $0 != ":" } + "Z"
}

private func canonicalPath(_ request: AWSRequest) -> String {
    guard request.service.signingName != "s3" else { return request.path }
    var kept: [Substring] = []
    for segment in request.path.split(separator: "/") where segment != "." {
        if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
    }
    let isDirectory = request.path.hasSuffix("/") && !kept.isEmpty
    let normal = "/" + kept.joined(separator: "/") + (isDirectory ? "/" : "")
    return percentEncoded(Array(normal.utf8), keeping: .slash)
}

/// Lower-case names in order, blanks trimmed and runs of them folded, values of one name joined by commas.
private func canonicalHeaders(_ headers: [(name: String, value: String)]) -> [(
    name: String, value: String
)] {
    var values: [String: [String]] = [:]
    for header in headers {
        let folded = header.value.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
        values[header.name.lowercased(), default: []].append(folded)
    }
    return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
}
