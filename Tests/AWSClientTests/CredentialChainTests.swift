internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import SystemIO
internal import TestSupport
internal import Testing

private let role = """
    <AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId>\
    <SecretAccessKey>role-hush</SecretAccessKey><SessionToken>role-token-hush</SessionToken>\
    <Expiration>2027-01-15T09:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
    """
private let document = #"""
    {"Code":"Success","AccessKeyId":"INSTANCE","SecretAccessKey":"instance-hush",
    "Token":"instance-token-hush","Expiration":"2027-01-15T09:00:00Z"}
    """#
private let roleListing = "/latest/meta-data/iam/security-credentials/"

/// A chain over fakes, with real files.
private struct Chain {
    let directory = TemporaryDirectory()
    let metadata: ScriptedExchange
    let sts: ScriptedExchange
    let clock = ManualClock()
    var environment: [String: String] = [:]
    var program: @Sendable ([String]) throws -> [UInt8] = { _ in [] }

    init(metadata: [ScriptedExchange.Step] = [], sts: [ScriptedExchange.Step] = []) {
        self.metadata = ScriptedExchange(metadata)
        self.sts = ScriptedExchange(sts)
        environment["HOME"] = directory.path
    }

    func write(_ name: String, _ text: String) throws {
        let path = directory.path + "/" + name
        let file = try PosixFileSystem().open(path, .modifyOrCreate)
        try file.truncate(to: 0)
        try file.write(Array(text.utf8).span.bytes, at: 0)
    }

    func fetch() async -> Result<FetchedCredentials, AWSFailure> {
        do throws(AWSFailure) {
            let chain = CredentialChain(
                environment: environment, region: "eu-west-1", endpoints: try endpoints(),
                files: PosixFileSystem(), metadata: metadata, sts: sts, clock: clock,
                random: SeededRandom(seed: 1), runProgram: program)
            return .success(try await chain.fetch())
        } catch {
            return .failure(error)
        }
    }

    private func endpoints() throws(AWSFailure) -> AWSEndpoints {
        do {
            return try AWSEndpoints()
        } catch {
            throw .endpoint(error)
        }
    }

    func key() async throws -> String { try await fetch().get().dated.credentials.accessKeyID }

    func problem() async -> String {
        switch await fetch() {
        case .success(let fetched): "no problem: \(fetched.dated.credentials)"
        case .failure(let failure): "\(failure)"
        }
    }
}

@Test func `an instance is asked by version 2: token, role, document`() async throws {
    let chain = Chain(metadata: [
        .reply(200, body: "the-token"), .reply(200, body: "my role\nother\n"),
        .reply(200, body: document),
    ])
    #expect(await chain.problem().contains("names no IAM role"), "a blank in it")
    let again = Chain(metadata: [
        .reply(200, body: "the-token"), .reply(200, body: "my-role@x\n"),
        .reply(200, body: document),
    ])
    let fetched = try await again.fetch().get()
    #expect(fetched.dated.credentials.accessKeyID == "INSTANCE")
    #expect(fetched.outlivesExpiration)
    let requests = again.metadata.requests
    #expect(requests.map(\.method) == ["PUT", "GET", "GET"])
    let base = "http://169.254.169.254"
    #expect(
        requests.map(\.url)
            == [base + "/latest/api/token", base + roleListing, base + roleListing + "my-role%40x"])
    #expect(requests[0].header("x-aws-ec2-metadata-token-ttl-seconds") == "21600")
    #expect(requests[1...].allSatisfy { $0.header("x-aws-ec2-metadata-token") == "the-token" })
    #expect(requests.allSatisfy { $0.deadline <= .seconds(2) && $0.maximumReplyBytes == 65_536 })
}

@Test(
    arguments: [
        ([.reply(403)], "switched off"), ([.reply(404)], "gives no token (status 404)"),
        ([.reply(200, body: "t\r\nX: y"), .reply(404)], "no IAM role is attached"),
        ([.reply(200, body: "t"), .reply(200, body: "r"), .reply(401)], "status 401"),
        (
            [.reply(200, body: "t"), .reply(200, body: "r"), .reply(200, body: "<x/>")],
            "not the JSON"
        ),
        (
            [
                .reply(200, body: "t"), .reply(200, body: "r"),
                .reply(
                    200, body: #"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot"}"#),
            ], "AssumeRoleUnauthorizedAccess: EC2 cannot"
        ),
        (
            [ScriptedExchange.Step](repeating: .failure(.deadlineExceeded("silent")), count: 3),
            "silent; in a container the instance's HttpPutResponseHopLimit must be 2 or more"
        ),
        ([.reply(503), .reply(500), .reply(502)], "status 502"),
    ] as [([ScriptedExchange.Step], String)])
func `what the metadata service lacks is said`(script: [ScriptedExchange.Step], sentence: String)
    async
{
    let chain = Chain(metadata: script)
    let problem = await chain.problem()
    #expect(problem.contains(sentence), "\(problem)")
    #expect(chain.metadata.unusedSteps == 0)
}

@Test func `a role is assumed with its base, signed, and its external ID`() async throws {
    let chain = Chain(
        metadata: [
            .reply(200, body: "t"), .reply(200, body: "r"), .reply(200, body: document),
        ], sts: [.reply(500), .reply(200, body: role)])
    var located = chain
    located.environment["AWS_CONFIG_FILE"] = chain.directory.path + "/config"
    try located.write(
        "config",
        "[default]\nrole_arn=arn:r\ncredential_source=Ec2InstanceMetadata\nexternal_id=e x\n")
    let fetched = try await located.fetch().get()
    #expect(fetched.dated.credentials.accessKeyID == "ROLE")
    #expect(!fetched.outlivesExpiration)
    let request = try #require(located.sts.requests.last)
    #expect(request.url == "https://sts.eu-west-1.amazonaws.com/")
    #expect(request.header("authorization")?.contains("Credential=INSTANCE/") == true)
    #expect(request.header("x-amz-security-token") == "instance-token-hush")
    #expect(String(decoding: request.body, as: UTF8.self).hasSuffix("&ExternalId=e%20x"))
    #expect(located.sts.requests.count == 2, "a transient error is sent again")
}

@Test func `a web identity token is read anew for each call, and a busy provider is asked again`()
    async throws
{
    let web = role.split(separator: "AssumeRole").joined(separator: "AssumeRoleWithWebIdentity")
    let body = web
    var chain = Chain(sts: [
        .reply(400, body: "<Error><Code>IDPCommunicationError</Code></Error>"),
        .reply(200, body: body), .reply(200, body: body),
    ])
    chain.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = chain.directory.path + "/token"
    chain.environment["AWS_ROLE_ARN"] = "arn:r"
    try chain.write("token", "one.hush\n")
    #expect(try await chain.key() == "ROLE")
    try chain.write("token", " two.hush ")
    #expect(try await chain.key() == "ROLE")
    let tokens = chain.sts.requests.map {
        String(decoding: $0.body, as: UTF8.self).split(separator: "=").last
    }
    #expect(tokens == ["one.hush", "one.hush", "two.hush"])
    #expect(chain.sts.requests.allSatisfy { $0.header("authorization") == nil })
}

@Test func `a container gets its token from the file, read anew, before the variable`() async throws
{
    var chain = Chain(metadata: [
        .reply(200, body: document), .reply(503), .reply(200, body: document),
        .reply(200, body: document),
    ])
    chain.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials"
    chain.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "variable"
    #expect(try await chain.key() == "INSTANCE")
    chain.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = chain.directory.path + "/token"
    try chain.write("token", "one")
    #expect(try await chain.key() == "INSTANCE")
    #expect(chain.clock.slept == [.seconds(1)])
    try chain.write("token", "two")
    #expect(try await chain.key() == "INSTANCE")
    #expect(
        chain.metadata.requests.map { $0.header("authorization") }
            == ["variable", "one", "one", "two"])
}

@Test func `a credentials file that is replaced is seen`() async throws {
    let chain = Chain()
    var located = chain
    located.environment["AWS_SHARED_CREDENTIALS_FILE"] = "~/credentials"
    for key in ["ONE", "TWO"] {
        try located.write(
            "credentials", "[default]\naws_access_key_id=\(key)\naws_secret_access_key=hush\n")
        #expect(try await located.key() == key)
    }
}

@Test func `a program's output is version 1 of the document`() async throws {
    var chain = Chain()
    chain.environment["AWS_CONFIG_FILE"] = "~/config"
    try chain.write("config", "[default]\ncredential_process = /opt/get --role 'a b'\n")
    chain.program = { arguments in
        #expect(arguments == ["/opt/get", "--role", "a b"])
        return Array(#"{"Version":1,"AccessKeyId":"PROGRAM","SecretAccessKey":"hush"}"#.utf8)
    }
    #expect(try await chain.key() == "PROGRAM")
    for output in ["", #"{"Version":2,"AccessKeyId":"A","SecretAccessKey":"hush"}"#, "hush"] {
        chain.program = { _ in Array(output.utf8) }
        let problem = await chain.problem()
        #expect(problem.hasPrefix("credential_process /opt/get: "), "\(problem)")
        #expect(!problem.contains("hush"))
    }
    chain.program = { _ in throw ChildFailure.failed(status: 3) }
    #expect(await chain.problem() == "credential_process /opt/get: ended with status 3")
}

@Test func `files that are missing, too long or no tokens are named, and no secret is`()
    async throws
{
    var chain = Chain()
    chain.environment["AWS_ROLE_ARN"] = "arn:r"
    chain.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = chain.directory.path + "/token"
    #expect(
        await chain.problem().contains("cannot read the token in \(chain.directory.path)/token"))
    for text in ["", " \n", "a\nb", "hush\u{7F}", String(repeating: "x", count: 20_001)] {
        try chain.write("token", text)
        let problem = await chain.problem()
        #expect(problem.contains(chain.directory.path + "/token"), "\(problem)")
        #expect(!problem.contains("hush"))
    }
    try chain.write("token", "a.token-hush")
    let echo = "<Error><Code>InvalidIdentityToken</Code><Message>bad a.token-hush</Message></Error>"
    var refused = Chain(sts: [.reply(400, body: echo)])
    refused.environment.merge(chain.environment) { $1 }
    #expect(
        await refused.problem()
            == "STS AssumeRoleWithWebIdentity: 400 InvalidIdentityToken: bad [removed]")
}

@Test(arguments: [("eu-west-1\n", "eu-west-1"), ("evil.example/", nil), ("", nil)])
func `an instance says which Region it is in, if it is one`(body: String, region: String?) async {
    let exchange = ScriptedExchange([.reply(200, body: "t"), .reply(200, body: body)])
    let metadata = InstanceMetadata(exchange: exchange, endpoint: "http://169.254.169.254")
    let found = try? await metadata.region()
    #expect(found == region)
    #expect(
        exchange.requests.last?.url
            == "http://169.254.169.254/latest/meta-data/placement/region")
}
