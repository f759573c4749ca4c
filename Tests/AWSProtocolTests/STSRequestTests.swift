internal import AWSProtocol
internal import Domain
internal import Testing

private let endpoint = AWSEndpoint(scheme: "https", host: "sts.eu-west-1.amazonaws.com")

private func body(_ request: STSRequest) -> String {
    String(decoding: request.wire(at: endpoint).body, as: UTF8.self)
}

@Test func `a role is asked for with what is set, encoded`() {
    let plain = AssumedRole(arn: "arn:aws:iam::111122223333:role/a b", sessionName: "s3remedy")
    #expect(
        body(.assumeRole(plain))
            == "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3A"
            + "role%2Fa%20b&RoleSessionName=s3remedy")
    var whole = plain
    whole.externalID = "e&x=1+"
    whole.durationSeconds = 900
    #expect(
        body(.assumeRole(whole)).hasSuffix(
            "&RoleSessionName=s3remedy&DurationSeconds=900&ExternalId=e%26x%3D1%2B"))
    #expect(STSRequest.assumeRole(whole).wire(at: endpoint).isSigned)
}

@Test func `a web identity is not signed`() {
    let role = AssumedRole(arn: "arn", sessionName: "s")
    let request = STSRequest.assumeRoleWithWebIdentity(role, token: "a.b-c_d").wire(at: endpoint)
    #expect(!request.isSigned)
    #expect(String(decoding: request.body, as: UTF8.self).hasSuffix("&WebIdentityToken=a.b-c_d"))
}

@Test(arguments: ["AssumeRole", "AssumeRoleWithWebIdentity"])
func `the credentials of a role are read whole or not at all`(operation: String) throws {
    let members = [
        "<AccessKeyId>ASIA</AccessKeyId>", "<SecretAccessKey>hush</SecretAccessKey>",
        "<SessionToken>token</SessionToken>", "<Expiration>2027-01-15T08:00:00Z</Expiration>",
    ]
    func reply(_ members: [String]) -> AWSReply {
        let text = """
            <\(operation)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(operation)Result>\
            <Credentials>\(members.joined())</Credentials></\(operation)Result></\(operation)Response>
            """
        return AWSReply(status: 200, body: Array(text.utf8))
    }
    let made = try reply(members).assumedRoleCredentials(of: operation)
    #expect(
        made
            == AWSCredentials(
                accessKeyID: "ASIA", secretAccessKey: "hush", sessionToken: "token",
                expiration: Timestamp(milliseconds: 1_800_000_000_000)))
    for missing in members.indices {
        var fewer = members
        fewer.remove(at: missing)
        #expect(throws: UnreadableReply.self) {
            try reply(fewer).assumedRoleCredentials(of: operation)
        }
    }
}
