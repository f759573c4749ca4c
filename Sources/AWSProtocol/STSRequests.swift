/// The one request of STS: who the credentials belong to. Every principal may send it.
package func callerIdentityRequest(at endpoint: AWSEndpoint) -> AWSRequest {
    AWSRequest(
        .sts, "GetCallerIdentity", "POST", at: endpoint,
        headers: [("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
        body: Array("Action=GetCallerIdentity&Version=2011-06-15".utf8))
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
