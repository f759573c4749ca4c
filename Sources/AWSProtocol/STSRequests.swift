internal import Domain

/// The requests of AWS STS, in the Query protocol. Source: AWS STS API Reference, version 2011-06-15.
package enum STSRequest: Sendable {
    /// Who the credentials belong to. Every principal may send it.
    case getCallerIdentity
    case assumeRole(AssumedRole)
    /// Not signed: the token proves who asks.
    case assumeRoleWithWebIdentity(AssumedRole, token: String)

    package func wire(at endpoint: AWSEndpoint) -> AWSRequest {
        let (operation, parameters) = content
        let form = [("Action", operation), ("Version", "2011-06-15")] + parameters
        let body = form.map { name, value in
            name + "=" + percentEncoded(Array(value.utf8), keeping: .nothing)
        }
        var request = AWSRequest(
            .sts, operation, "POST", at: endpoint,
            headers: [("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            body: Array(body.joined(separator: "&").utf8))
        if case .assumeRoleWithWebIdentity = self { request.isSigned = false }
        return request
    }

    private var content: (operation: String, parameters: [(String, String)]) {
        switch self {
        case .getCallerIdentity: ("GetCallerIdentity", [])
        case .assumeRole(let role):
            (
                "AssumeRole",
                parameters(of: role) + (role.externalID.map { [("ExternalId", $0)] } ?? [])
            )
        case .assumeRoleWithWebIdentity(let role, let token):
            ("AssumeRoleWithWebIdentity", parameters(of: role) + [("WebIdentityToken", token)])
        }
    }

    private func parameters(of role: AssumedRole) -> [(String, String)] {
        [("RoleArn", role.arn), ("RoleSessionName", role.sessionName)]
            + (role.durationSeconds.map { [("DurationSeconds", String($0))] } ?? [])
    }
}

extension AWSReply {
    /// The credentials of a reply to AssumeRole or AssumeRoleWithWebIdentity.
    package func assumedRoleCredentials(
        of operation: String
    ) throws(UnreadableReply) -> AWSCredentials {
        let root = try xml(operation + "Response")
        func text(_ member: String) throws(UnreadableReply) -> String {
            try root.required(operation + "Result", "Credentials", member)
        }
        let expiration = try text("Expiration")
        guard let time = Timestamp(rfc3339: expiration) else {
            throw UnreadableReply("Expiration is \(expiration.prefix(100)), which is no time")
        }
        return AWSCredentials(
            accessKeyID: try text("AccessKeyId"), secretAccessKey: try text("SecretAccessKey"),
            sessionToken: try text("SessionToken"), expiration: time)
    }
}

/// What GetCallerIdentity answers.
package struct CallerIdentity: Hashable, Sendable {
    /// 12 digits.
    package var account: String
    package var arn: String

    package init(_ reply: AWSReply) throws(UnreadableReply) {
        let root = try reply.xml("GetCallerIdentityResponse")
        account = try root.required("GetCallerIdentityResult", "Account")
        arn = try root.required("GetCallerIdentityResult", "Arn")
        guard account.utf8.count == 12, account.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw UnreadableReply("Account is \(account.prefix(100)), which is no account ID") }
    }
}
