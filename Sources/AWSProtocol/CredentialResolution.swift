internal import Domain

/// Finds the first origin of credentials that is set up, in the order of botocore 1.43 (`credentials.py`,
/// `create_credential_resolver`): environment, role of the profile, web identity, credentials file,
/// credential_process, configuration file, container, instance.
package struct CredentialResolution {
    private static let sessionName = "s3remedy"
    private static let maximumRoles = 5

    private let environment: [String: String]
    private let profiles: SharedProfiles

    package init(environment: [String: String], profiles: SharedProfiles) {
        self.environment = environment.filter { !$0.value.isEmpty }
        self.profiles = profiles
    }

    /// The profile's name in this environment.
    package static func profileName(_ environment: [String: String]) -> String? {
        ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].lazy.compactMap { environment[$0] }
            .first { !$0.isEmpty }
    }

    package func origin() throws(CredentialProblem) -> CredentialOrigin {
        if let given = try environmentCredentials() { return given }
        let wanted = Self.profileName(environment)
        let name = wanted ?? "default"
        let profile = profiles[name]
        guard wanted == nil || profile != nil else {
            throw CredentialProblem(
                "AWS_PROFILE names the profile \(name), which neither \(Self.configurationFile) nor "
                    + "\(Self.credentialsFile) has")
        }
        if let profile, let role = try assumedRole(profile, name, visited: []) { return role }
        if let identity = try webIdentity(profile, name) { return identity }
        if let profile, let own = try ownCredentials(profile, name) { return own }
        if let container = try container() { return container }
        return try instance(profile)
    }

    private static let configurationFile = "~/.aws/config"
    private static let credentialsFile = "~/.aws/credentials"

    private func environmentCredentials() throws(CredentialProblem) -> CredentialOrigin? {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        let found = names.compactMap { environment[$0] }
        guard !found.isEmpty else { return nil }
        guard found.count == 2 else {
            let missing = names.first { environment[$0] == nil } ?? ""
            throw CredentialProblem("no AWS credentials: \(missing) is not set in the environment")
        }
        var credentials = AWSCredentials(
            accessKeyID: found[0], secretAccessKey: found[1],
            sessionToken: environment["AWS_SESSION_TOKEN"])
        if let text = environment["AWS_CREDENTIAL_EXPIRATION"] {
            guard let expiration = Timestamp(rfc3339: text) else {
                throw CredentialProblem(
                    "AWS_CREDENTIAL_EXPIRATION is \(text.prefix(40)), which is no RFC 3339 time")
            }
            credentials.expiration = expiration
        }
        return .fixed(credentials, "the environment")
    }

    /// - Parameter visited: profiles that lead here by source_profile.
    private func assumedRole(
        _ profile: SharedProfiles.Profile, _ name: String, visited: [String]
    ) throws(CredentialProblem) -> CredentialOrigin? {
        guard let arn = profile["role_arn"], profile["web_identity_token_file"] == nil else {
            return nil
        }
        func refuse(_ what: String) -> CredentialProblem {
            CredentialProblem("profile \(name) \(what)")
        }
        guard profile["mfa_serial"] == nil else {
            throw refuse("has mfa_serial, and nobody is there to type a code: use a role without")
        }
        guard visited.count < Self.maximumRoles else {
            throw refuse("is behind more than \(Self.maximumRoles) roles: name one nearer")
        }
        let role = try role(arn, profile, name)
        switch (profile["source_profile"], profile["credential_source"]) {
        case (nil, nil): throw refuse("has role_arn without source_profile or credential_source")
        case (.some, .some): throw refuse("has both source_profile and credential_source")
        case (nil, let source?): return .assumedRole(role, base: try base(source, profile, name))
        case (let source?, nil):
            return .assumedRole(
                role, base: try base(ofProfile: source, from: name, visited: visited + [name]))
        }
    }

    private func base(
        _ source: String, _ profile: SharedProfiles.Profile, _ name: String
    ) throws(CredentialProblem) -> CredentialOrigin {
        switch source.lowercased() {
        case "environment":
            if let given = try environmentCredentials() { return given }
            throw CredentialProblem(
                "profile \(name) has credential_source Environment, and AWS_ACCESS_KEY_ID is not set"
            )
        case "ecscontainer":
            if let container = try container() { return container }
            throw CredentialProblem(
                "profile \(name) has credential_source EcsContainer, and neither "
                    + "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor _FULL_URI is set")
        case "ec2instancemetadata": return try instance(profile)
        default:
            throw CredentialProblem(
                "profile \(name) has credential_source \(source.prefix(80)): it must be Environment, "
                    + "EcsContainer or Ec2InstanceMetadata")
        }
    }

    private func base(
        ofProfile source: String, from name: String, visited: [String]
    ) throws(CredentialProblem) -> CredentialOrigin {
        guard let profile = profiles[source] else {
            throw CredentialProblem(
                "profile \(name) has source_profile \(source), which does not exist")
        }
        // Its own keys before its own role: a profile may name itself.
        if let own = try fixed(profile, source) { return own }
        guard !visited.contains(source) else {
            let path = (visited + [source]).joined(separator: " -> ")
            throw CredentialProblem("the source_profile settings go in a circle: \(path)")
        }
        if let role = try assumedRole(profile, source, visited: visited) { return role }
        if let identity = try webIdentity(profile, source, withVariables: false) {
            return identity
        }
        if let own = try ownCredentials(profile, source) { return own }
        throw CredentialProblem(
            "profile \(name) has source_profile \(source), which has no credentials")
    }

    /// Variables count before the profile's settings, one by one.
    private func webIdentity(
        _ profile: SharedProfiles.Profile?, _ name: String, withVariables: Bool = true
    ) throws(CredentialProblem) -> CredentialOrigin? {
        func setting(_ variable: String, _ key: String) -> String? {
            (withVariables ? environment[variable] : nil) ?? profile?[key]
        }
        guard let file = setting("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else {
            return nil
        }
        guard let arn = setting("AWS_ROLE_ARN", "role_arn") else {
            throw CredentialProblem(
                "a web identity token file is set (\(file)) and no role: set AWS_ROLE_ARN, or "
                    + "role_arn in profile \(name)")
        }
        var role = try role(arn, profile, name)
        role.sessionName =
            setting("AWS_ROLE_SESSION_NAME", "role_session_name") ?? Self.sessionName
        return .webIdentity(WebIdentityRole(role: role, tokenFile: file))
    }

    private func role(
        _ arn: String, _ profile: SharedProfiles.Profile?, _ name: String
    ) throws(CredentialProblem) -> AssumedRole {
        var role = AssumedRole(
            arn: arn, sessionName: profile?["role_session_name"] ?? Self.sessionName,
            externalID: profile?["external_id"])
        if let text = profile?["duration_seconds"] {
            guard let seconds = Int(text), (900...43_200).contains(seconds) else {
                throw CredentialProblem(
                    "profile \(name) has duration_seconds \(text.prefix(40)): it must be 900 to 43200"
                )
            }
            role.durationSeconds = seconds
        }
        return role
    }

    /// What the profile holds itself: keys of the credentials file, a program, keys of the configuration file.
    private func ownCredentials(
        _ profile: SharedProfiles.Profile, _ name: String
    ) throws(CredentialProblem) -> CredentialOrigin? {
        for setting in ["sso_session", "sso_start_url", "sso_account_id", "login_session"]
        where profile[setting] != nil {
            throw CredentialProblem(
                "profile \(name) has \(setting), a login for people: give the daemon a role instead"
            )
        }
        if profile.credentials["aws_access_key_id"] != nil, let own = try fixed(profile, name) {
            return own
        }
        if let command = profile["credential_process"] {
            guard let arguments = ShellWords.split(command), !arguments.isEmpty else {
                throw CredentialProblem(
                    "profile \(name) has a credential_process with an open quotation mark")
            }
            return .process(arguments)
        }
        return try fixed(profile, name)
    }

    private func fixed(
        _ profile: SharedProfiles.Profile, _ name: String
    ) throws(CredentialProblem) -> CredentialOrigin? {
        for (settings, file) in [
            (profile.credentials, Self.credentialsFile),
            (profile.configuration, Self.configurationFile),
        ] {
            guard let key = settings["aws_access_key_id"], !key.isEmpty else { continue }
            guard let secret = settings["aws_secret_access_key"], !secret.isEmpty else {
                throw CredentialProblem(
                    "profile \(name) in \(file) has aws_access_key_id without aws_secret_access_key"
                )
            }
            // aws_security_token is the token's old name.
            let token = settings["aws_session_token"] ?? settings["aws_security_token"] ?? ""
            return .fixed(
                AWSCredentials(
                    accessKeyID: key, secretAccessKey: secret,
                    sessionToken: token.isEmpty ? nil : token),
                "profile \(name) in \(file)")
        }
        return nil
    }

    private func container() throws(CredentialProblem) -> CredentialOrigin? {
        let url: String
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            url = "http://169.254.170.2" + (path.hasPrefix("/") ? "" : "/") + path
        } else if let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            url = full
        } else {
            return nil
        }
        guard isContainerURL(url) else {
            throw CredentialProblem(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is \(url.prefix(200)): it must be https, or a "
                    + "loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]")
        }
        return .container(
            ContainerCredentials(
                url: url, tokenFile: environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]))
    }

    private func instance(
        _ profile: SharedProfiles.Profile?
    ) throws(CredentialProblem) -> CredentialOrigin {
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else {
            throw CredentialProblem(
                "no AWS credentials: neither in the environment, a profile, a web identity nor a "
                    + "container, and AWS_EC2_METADATA_DISABLED is true")
        }
        return .instance(
            endpoint: try instanceMetadataEndpoint(environment: environment, profile: profile))
    }
}

/// The address of the instance metadata service, without a trailing `/`.
/// Source: AWS SDKs and Tools Reference Guide, "IMDS credential provider".
package func instanceMetadataEndpoint(
    environment: [String: String], profile: SharedProfiles.Profile?
) throws(CredentialProblem) -> String {
    func setting(_ name: String) -> String? {
        environment["AWS_" + name.uppercased()].flatMap { $0.isEmpty ? nil : $0 } ?? profile?[name]
    }
    if let given = setting("ec2_metadata_service_endpoint") {
        guard let url = SplitURL(given), url.hasNoQuery else {
            throw CredentialProblem(
                "AWS_EC2_METADATA_SERVICE_ENDPOINT is \(given.prefix(200)), which is no URL")
        }
        return url.scheme + "://" + url.host + url.path
    }
    let mode = setting("ec2_metadata_service_endpoint_mode")?.lowercased()
    return mode == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
}

/// Elsewhere the token would go to whoever can set a variable.
private func isContainerURL(_ text: String) -> Bool {
    guard let url = SplitURL(text) else { return false }
    if url.scheme == "https" { return true }
    let bracket = url.host.lastIndex(of: "]")
    let host =
        bracket.map { String(url.host[...$0]) }
        ?? String(url.host.prefix { $0 != ":" })
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    let isLoopback = numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil)
    return isLoopback
        || ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]
            .contains(host)
}

/// A command line in its words, with quotation marks and backslashes as a shell has them, and nothing else of a shell.
enum ShellWords {
    /// Nil when a quotation mark is open at the end, or a backslash is last.
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                // Inside double marks a backslash is one unless it protects a mark or itself.
                if quote == "\"" && character != "\"" && character != "\\" {
                    word = (word ?? "") + "\\"
                }
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\" && quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open {
                    quote = nil
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil, !isEscaped else { return nil }
        return words + (word.map { [$0] } ?? [])
    }
}
