package import AWSProtocol

/// Calls of AWS STS.
package struct STSClient {
    private let caller: AWSCaller

    package init(_ caller: AWSCaller) {
        self.caller = caller
    }

    package func callerIdentity() async throws(AWSFailure) -> CallerIdentity {
        let request = try wire(.getCallerIdentity)
        return try request.parse(try await caller.send(request), CallerIdentity.init)
    }

    /// Credentials of a role, and the reply's date.
    package func assumeRole(_ role: AssumedRole) async throws(AWSFailure) -> DatedCredentials {
        try await credentials(.assumeRole(role))
    }

    /// - Parameter token: of the identity provider. No error holds it.
    package func assumeRoleWithWebIdentity(
        _ role: AssumedRole, token: String
    ) async throws(AWSFailure) -> DatedCredentials {
        do {
            return try await credentials(.assumeRoleWithWebIdentity(role, token: token))
        } catch .service(var error) {
            error.message = AWSCredentials(accessKeyID: "", secretAccessKey: token)
                .redacting(error.message)
            throw .service(error)
        }
    }

    private func credentials(_ call: STSRequest) async throws(AWSFailure) -> DatedCredentials {
        let request = try wire(call)
        let reply = try await caller.send(
            request, CallLimits(deadline: .seconds(10), maximumReplyBytes: 64 * 1024))
        return try request.parse(reply) { reply throws(UnreadableReply) in
            DatedCredentials(
                credentials: try reply.assumedRoleCredentials(of: request.operation),
                answeredAt: reply.date)
        }
    }

    private func wire(_ request: STSRequest) throws(AWSFailure) -> AWSRequest {
        request.wire(at: try caller.endpoint(for: .sts))
    }
}
