internal import AWSProtocol
internal import Domain
package import HTTPTransport

/// Version 2 of Amazon EC2's instance metadata service; version 1, which takes any GET for the instance's own, is
/// never used. Source: Amazon EC2 User Guide, "Retrieve instance metadata".
package struct InstanceMetadata: Sendable {
    private static let attempts = 3
    private static let maximumBytes = 64 * 1024
    private static let role = "/latest/meta-data/iam/security-credentials/"

    private let exchange: any HTTPExchanging
    private let endpoint: String

    /// - Parameters:
    ///   - exchange: without a proxy.
    ///   - endpoint: without a trailing `/`.
    package init(exchange: any HTTPExchanging, endpoint: String) {
        self.exchange = exchange
        self.endpoint = endpoint
    }

    func credentials() async throws(AWSFailure) -> DatedCredentials {
        let token = try await token()
        let name = try await get(Self.role, token) { reply throws(CredentialProblem) in
            guard let role = firstLine(reply.body) else {
                throw CredentialProblem("\(endpoint) names no IAM role for this instance")
            }
            return role
        }
        let path = Self.role + percentEncoded(Array(name.utf8), keeping: .nothing)
        return try await get(path, token) { reply throws(CredentialProblem) in
            try credentials(reply)
        }
    }

    /// The Region that this instance runs in.
    package func region() async throws(AWSFailure) -> String {
        try await get("/latest/meta-data/placement/region", try await token()) {
            reply throws(CredentialProblem) in
            guard let region = firstLine(reply.body), isRegionName(region) else {
                throw CredentialProblem("\(endpoint) names no Region for this instance")
            }
            return region
        }
    }

    private func token() async throws(AWSFailure) -> String {
        let reply = try await send(
            HTTPRequest(
                method: "PUT", url: endpoint + "/latest/api/token",
                headers: [("x-aws-ec2-metadata-token-ttl-seconds", "21600")],
                deadline: .seconds(1), maximumReplyBytes: Self.maximumBytes),
            advice: "; in a container the instance's HttpPutResponseHopLimit must be 2 or more")
        guard reply.status == 200, let token = firstLine(reply.body) else {
            let why =
                reply.status == 403
                ? "it is switched off for this instance"
                : "IMDSv2 gives no token (status \(reply.status))"
            throw .credentials("no AWS credentials from \(endpoint): \(why)")
        }
        return token
    }

    private func get<Value>(
        _ path: String, _ token: String, _ read: (HTTPReply) throws(CredentialProblem) -> Value
    ) async throws(AWSFailure) -> Value {
        let reply = try await send(
            HTTPRequest(
                method: "GET", url: endpoint + path,
                headers: [("x-aws-ec2-metadata-token", token)], deadline: .seconds(1),
                maximumReplyBytes: Self.maximumBytes))
        guard reply.status == 200 else {
            let why =
                reply.status == 404 && path.hasPrefix(Self.role)
                ? "no IAM role is attached to this instance"
                : "status \(reply.status) to GET \(path)"
            throw .credentials("\(endpoint) gives no AWS credentials: \(why)")
        }
        do {
            return try read(reply)
        } catch {
            throw .credentials("\(error)")
        }
    }

    private func credentials(_ reply: HTTPReply) throws(CredentialProblem) -> DatedCredentials {
        do {
            let document = try CredentialDocument(reply.body)
            if let code = document.code, code != "Success" {
                throw CredentialProblem(
                    "\(endpoint) gives no AWS credentials: \(code.prefix(100)): "
                        + "\((document.message ?? "").prefix(300))")
            }
            return DatedCredentials(
                credentials: try document.credentials(), answeredAt: reply.dated.date)
        } catch let problem as CredentialProblem {
            throw problem
        } catch {
            throw CredentialProblem("\(endpoint): \(error)")
        }
    }

    /// The service answers in milliseconds or is not there: a few quick attempts, without pauses.
    private func send(
        _ request: HTTPRequest, advice: String = ""
    ) async throws(AWSFailure) -> HTTPReply {
        var last = "no attempt"
        for _ in 0..<Self.attempts {
            do {
                let reply = try await exchange.perform(request)
                guard reply.status >= 500 || reply.status == 429 else { return reply }
                last = "status \(reply.status)"
            } catch .cancelled {
                throw .http(operation: "credentials", .cancelled)
            } catch {
                last = "\(error)\(advice)"
            }
        }
        throw .credentials("no AWS credentials from the instance metadata service: \(last)")
    }
}

/// The container endpoint of Amazon ECS and EKS Pod Identity.
/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
struct ContainerEndpoint {
    private static let attempts = 3

    let exchange: any HTTPExchanging
    let url: String
    /// Sent as it is; no error holds it.
    let authorization: String?

    func credentials(
        pause: () async throws(AWSFailure) -> Void
    ) async throws(AWSFailure) -> DatedCredentials {
        var headers = [(name: "accept", value: "application/json")]
        if let authorization { headers.append(("authorization", authorization)) }
        let request = HTTPRequest(
            method: "GET", url: url, headers: headers, deadline: .seconds(2),
            maximumReplyBytes: 64 * 1024)
        var last = ""
        for attempt in 0..<Self.attempts {
            if attempt > 0 { try await pause() }
            do {
                let reply = try await exchange.perform(request)
                if reply.status == 200 { return try read(reply) }
                last = "status \(reply.status)"
                guard reply.status >= 500 || reply.status == 429 else { break }
            } catch let failure as AWSFailure {
                throw failure
            } catch HTTPFailure.cancelled {
                throw .http(operation: "credentials", .cancelled)
            } catch {
                last = "\(error)"
            }
        }
        throw .credentials("no AWS credentials from the container endpoint \(url): \(last)")
    }

    private func read(_ reply: HTTPReply) throws(AWSFailure) -> DatedCredentials {
        do {
            let document = try CredentialDocument(reply.body)
            return DatedCredentials(
                credentials: try document.credentials(), answeredAt: reply.dated.date)
        } catch {
            throw .credentials("\(url): \(error)")
        }
    }
}

extension HTTPReply {
    fileprivate var dated: AWSReply { AWSReply(status: status, headers: headers) }
}

/// Trimmed; nil when there is none, or when it could not be a header's value.
private func firstLine(_ bytes: [UInt8]) -> String? {
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    guard !line.isEmpty, line.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    return String(decoding: line, as: UTF8.self)
}

/// It becomes part of host names.
private func isRegionName(_ text: String) -> Bool {
    text.utf8.count <= 63
        && text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
        }
}
