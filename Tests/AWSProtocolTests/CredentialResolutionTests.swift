internal import AWSProtocol
internal import Domain
internal import Testing

private let configuration = """
    # a comment
    [default]
    region = eu-west-1
    [profile base]
    AWS_ACCESS_KEY_ID = CONFIGBASE
    aws_secret_access_key = hush=with=signs
    s3 =
      aws_access_key_id = NESTED
      max_concurrent_requests = 20
    [profile role]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = base
    external_id = ext:1
    duration_seconds = 900
    role_session_name = me
    [profile "two words"]
    role_arn = arn:aws:iam::111122223333:role/outer
    source_profile = role
    [profile itself]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = itself
    aws_access_key_id = OWN
    aws_secret_access_key = hush
    [profile circle]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = elcric
    [profile elcric]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = circle
    [profile onInstance]
    role_arn = arn:aws:iam::111122223333:role/r
    credential_source = Ec2InstanceMetadata
    [profile inContainer]
    role_arn = arn:aws:iam::111122223333:role/r
    credential_source = EcsContainer
    [profile fromEnvironment]
    role_arn = arn:aws:iam::111122223333:role/r
    credential_source = Environment
    [profile badSource]
    role_arn = arn:aws:iam::111122223333:role/r
    credential_source = Elsewhere
    [profile lonely]
    role_arn = arn:aws:iam::111122223333:role/r
    [profile both]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = base
    credential_source = Environment
    [profile mfa]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = base
    mfa_serial = arn:aws:iam::111122223333:mfa/me
    [profile long]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = base
    duration_seconds = 43201
    [profile nobody]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = missing
    [profile empty]
    region = eu-west-1
    [profile onEmpty]
    role_arn = arn:aws:iam::111122223333:role/r
    source_profile = empty
    [profile web]
    role_arn = arn:aws:iam::111122223333:role/w
    web_identity_token_file = /run/token
    [profile webless]
    web_identity_token_file = /run/token
    [profile people]
    sso_session = ours
    [profile program]
    credential_process = "/opt/my tools/get" --name 'a b' c\\ d ""
    [profile open]
    credential_process = "/opt/tool
    [profile half]
    aws_access_key_id = HALF
    [profile six]
    endpoint_url = http://127.0.0.1:1
    ec2_metadata_service_endpoint_mode = IPv6
    [sso-session ours]
    aws_access_key_id = NOPROFILE
    """

private let credentials = """
    [default]
    aws_access_key_id = DEFAULTKEY
    aws_secret_access_key = hush
    aws_session_token = token-hush
    [base]
    aws_access_key_id = BASEKEY
    aws_secret_access_key = hush
    """

private func resolve(_ environment: [String: String], credentials: String = credentials)
    -> Result<CredentialOrigin, CredentialProblem>
{
    let profiles = SharedProfiles(configuration: configuration, credentials: credentials)
    return Result { () throws(CredentialProblem) in
        try CredentialResolution(environment: environment, profiles: profiles).origin()
    }
}

private let keys = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "hush"]
private let web = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/run/t", "AWS_ROLE_ARN": "arn:role"]

private let found: [(environment: [String: String], origin: String)] = [
    (keys, "the environment"),
    (keys.merging(web) { $1 }, "the environment"),
    (keys.merging(["AWS_PROFILE": "role"]) { $1 }, "the environment"),
    ([:], "profile default in ~/.aws/credentials"),
    (["AWS_PROFILE": "base"], "profile base in ~/.aws/credentials"),
    (["AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "base"], "profile base in ~/.aws/credentials"),
    (web, "role arn:role by the web identity token in /run/t"),
    (
        ["AWS_PROFILE": "role"],
        "role arn:aws:iam::111122223333:role/r by way of profile base in ~/.aws/credentials"
    ),
    (
        web.merging(["AWS_PROFILE": "role"]) { $1 },
        "role arn:aws:iam::111122223333:role/r by way of profile base in ~/.aws/credentials"
    ),
    (
        ["AWS_PROFILE": "two words"],
        "role arn:aws:iam::111122223333:role/outer by way of role arn:aws:iam::111122223333:role/r "
            + "by way of profile base in ~/.aws/credentials"
    ),
    (
        ["AWS_PROFILE": "itself"],
        "role arn:aws:iam::111122223333:role/r by way of profile itself in ~/.aws/config"
    ),
    (
        ["AWS_PROFILE": "onInstance"],
        "role arn:aws:iam::111122223333:role/r by way of the instance metadata service "
            + "http://169.254.169.254"
    ),
    (
        ["AWS_PROFILE": "inContainer", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"],
        "role arn:aws:iam::111122223333:role/r by way of the container endpoint "
            + "http://169.254.170.2/v2/x"
    ),
    (
        ["AWS_PROFILE": "web"],
        "role arn:aws:iam::111122223333:role/w by the web identity token in /run/token"
    ),
    (
        ["AWS_PROFILE": "web", "AWS_WEB_IDENTITY_TOKEN_FILE": "/other"],
        "role arn:aws:iam::111122223333:role/w by the web identity token in /other"
    ),
    (["AWS_PROFILE": "program"], "the program /opt/my tools/get"),
    (
        [
            "AWS_PROFILE": "empty",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        ], "the container endpoint http://169.254.170.23/v1/credentials"
    ),
    (["AWS_PROFILE": "empty"], "the instance metadata service http://169.254.169.254"),
    (["AWS_PROFILE": "six"], "the instance metadata service http://[fd00:ec2::254]"),
    (
        [
            "AWS_PROFILE": "six", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:4566/",
        ], "the instance metadata service http://127.0.0.1:4566"
    ),
]

@Test func `the first origin that is set up is taken`() {
    for (environment, origin) in found {
        let given = resolve(environment)
        #expect((try? given.get()).map { "\($0)" } == origin, "\(environment): \(given)")
    }
    print("origins \(found.count)")
}

@Test(arguments: [
    (["AWS_ACCESS_KEY_ID": "A"], "AWS_SECRET_ACCESS_KEY is not set"),
    (["AWS_SECRET_ACCESS_KEY": "hush"], "AWS_ACCESS_KEY_ID is not set"),
    (keys.merging(["AWS_CREDENTIAL_EXPIRATION": "soon"]) { $1 }, "soon, which is no RFC 3339 time"),
    (["AWS_PROFILE": "nowhere"], "AWS_PROFILE names the profile nowhere"),
    (["AWS_PROFILE": "circle"], "in a circle: circle -> elcric -> circle"),
    (["AWS_PROFILE": "badSource"], "credential_source Elsewhere: it must be"),
    (["AWS_PROFILE": "lonely"], "role_arn without source_profile"),
    (["AWS_PROFILE": "both"], "both source_profile and credential_source"),
    (["AWS_PROFILE": "mfa"], "mfa_serial"), (["AWS_PROFILE": "long"], "must be 900 to 43200"),
    (["AWS_PROFILE": "nobody"], "missing, which does not exist"),
    (["AWS_PROFILE": "onEmpty"], "empty, which has no credentials"),
    (["AWS_PROFILE": "webless"], "no role: set AWS_ROLE_ARN"),
    (["AWS_PROFILE": "people"], "a login for people"),
    (["AWS_PROFILE": "open"], "open quotation mark"),
    (["AWS_PROFILE": "half"], "without aws_secret_access_key"),
    (["AWS_PROFILE": "fromEnvironment"], "AWS_ACCESS_KEY_ID is not set"),
    (["AWS_PROFILE": "inContainer"], "nor _FULL_URI is set"),
    (["AWS_PROFILE": "empty", "AWS_EC2_METADATA_DISABLED": "True"], "AWS_EC2_METADATA_DISABLED"),
])
func `what is set up wrongly is named`(environment: [String: String], sentence: String) {
    guard case .failure(let problem) = resolve(environment) else {
        Issue.record("\(environment) gives credentials")
        return
    }
    #expect("\(problem)".contains(sentence), "\(problem)")
    #expect(!"\(problem)".contains("hush"))
}

@Test(arguments: [
    "http://169.254.170.2/x", "http://127.1.2.3:80/x", "http://localhost/x", "http://[::1]:1/x",
    "http://[fd00:ec2::23]/x", "https://example.com/x",
])
func `a container's endpoint may be here`(url: String) throws {
    let origin = resolve(["AWS_PROFILE": "empty", "AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
    #expect(try origin.get() == .container(ContainerCredentials(url: url)))
}

@Test(arguments: [
    "http://example.com/x", "http://169.254.169.254/x", "http://127.0.0.1.example.com/x",
    "ftp://localhost",
    "http://localhost.example.com/", "http://127.0.0.1@example.com/", "http://[fd00:ec2::24]/",
    "http://localhost\r\nX: y", "x",
])
func `a container's endpoint may not be anywhere, for the token goes there`(url: String) {
    let origin = resolve(["AWS_PROFILE": "empty", "AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
    #expect(throws: CredentialProblem.self) { try origin.get() }
}

@Test func `a role's settings come from its profile`() throws {
    guard
        case .assumedRole(let role, .fixed(let base, _)) = try resolve(["AWS_PROFILE": "role"])
            .get()
    else {
        Issue.record("no role")
        return
    }
    #expect(
        role
            == AssumedRole(
                arn: "arn:aws:iam::111122223333:role/r", sessionName: "me", externalID: "ext:1",
                durationSeconds: 900))
    #expect(base.accessKeyID == "BASEKEY")
    let fixed = try resolve(["AWS_PROFILE": "base"], credentials: "").get()
    guard case .fixed(let own, _) = fixed else {
        Issue.record("\(fixed)")
        return
    }
    #expect(own.accessKeyID == "CONFIGBASE")
    #expect(own.secretAccessKey == "hush=with=signs")
    let program = try resolve(["AWS_PROFILE": "program"]).get()
    #expect(program == .process(["/opt/my tools/get", "--name", "a b", "c d", ""]))
}

@Test func `no origin and no profile shows a secret`() throws {
    let profiles = SharedProfiles(configuration: configuration, credentials: credentials)
    var dumped = ""
    dump(profiles, to: &dumped)
    dump(profiles["default"], to: &dumped)
    for environment in found.map(\.environment) {
        dump(try resolve(environment).get(), to: &dumped)
    }
    #expect(dumped.contains("BASEKEY"))
    #expect(!dumped.contains("hush"))
}

@Test func `a document gives credentials or says what is missing, and shows no secret`() throws {
    func read(_ text: String) -> Result<AWSCredentials, UnreadableReply> {
        Result { () throws(UnreadableReply) in
            try CredentialDocument(Array(text.utf8)).credentials()
        }
    }
    let whole = try read(
        #"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"hush","Token":"t\/hush","Expiration":"2027-01-15T08:00:00Z","More":[1]}"#
    ).get()
    #expect(whole.accessKeyID == "A")
    #expect(whole.sessionToken == "t/hush")
    #expect(whole.expiration == Timestamp(milliseconds: 1_800_000_000_000))
    for text in [
        "", "<html>hush</html>", "[]", #"{"AccessKeyId":"A"}"#, #"{"SecretAccessKey":"hush"}"#,
        #"{"AccessKeyId":"A","SecretAccessKey":7}"#,
        #"{"AccessKeyId":"","SecretAccessKey":"hush"}"#,
        #"{"AccessKeyId":"A","SecretAccessKey":"hush","Expiration":"hush"}"#,
        #"{"AccessKeyId":"A","SecretAccessKey":"hush","SecretAccessKey":"hush2"}"#,
    ] {
        guard case .failure(let problem) = read(text) else {
            Issue.record("\(text) gives credentials")
            continue
        }
        #expect(!"\(problem)".contains("hush"), "\(problem)")
    }
}
