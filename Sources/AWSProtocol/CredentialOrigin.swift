/// Where credentials come from, as environment and profiles say: the first of the chain that is set up. What it takes
/// to fetch them is the next step's.
package indirect enum CredentialOrigin: Hashable, Sendable {
    /// Given as they are; the text names the place.
    case fixed(AWSCredentials, String)
    case assumedRole(AssumedRole, base: CredentialOrigin)
    case webIdentity(WebIdentityRole)
    /// The arguments of a program that prints credentials; no shell.
    case process([String])
    case container(ContainerCredentials)
    /// The instance's role. - Parameter endpoint: without a trailing `/`.
    case instance(endpoint: String)
}

/// What AssumeRole is asked for.
package struct AssumedRole: Hashable, Sendable {
    package var arn: String
    package var sessionName: String
    package var externalID: String?
    /// 900 to 43,200; nil for STS's own hour.
    package var durationSeconds: Int?

    package init(
        arn: String, sessionName: String, externalID: String? = nil, durationSeconds: Int? = nil
    ) {
        self.arn = arn
        self.sessionName = sessionName
        self.externalID = externalID
        self.durationSeconds = durationSeconds
    }
}

/// What AssumeRoleWithWebIdentity is asked for.
package struct WebIdentityRole: Hashable, Sendable {
    package var role: AssumedRole
    /// Read again for each call: the cluster replaces the token in it.
    package var tokenFile: String

    package init(role: AssumedRole, tokenFile: String) {
        self.role = role
        self.tokenFile = tokenFile
    }
}

/// The endpoint of Amazon ECS or EKS Pod Identity.
package struct ContainerCredentials: Hashable, Sendable {
    package var url: String
    /// Read again for each call. Nil: AWS_CONTAINER_AUTHORIZATION_TOKEN, if that is set, is the token.
    package var tokenFile: String?

    package init(url: String, tokenFile: String? = nil) {
        self.url = url
        self.tokenFile = tokenFile
    }
}

/// Why there are no credentials: a sentence that names the variable, file or profile. It holds no secret.
package struct CredentialProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    package init(_ sentence: String) {
        description = sentence
    }
}

extension CredentialOrigin: CustomStringConvertible {
    /// For the journal: `role arn:aws:iam::…:role/r by way of profile base`.
    package var description: String {
        switch self {
        case .fixed(_, let place): place
        case .assumedRole(let role, let base): "role \(role.arn) by way of \(base)"
        case .webIdentity(let identity):
            "role \(identity.role.arn) by the web identity token in \(identity.tokenFile)"
        case .process(let arguments): "the program \(arguments.first ?? "")"
        case .container(let container): "the container endpoint \(container.url)"
        case .instance(let endpoint): "the instance metadata service \(endpoint)"
        }
    }

    /// AWS asks to go on with these when they cannot be renewed: the metadata service may be late, and services then
    /// accept them for longer than they say.
    package var outlivesExpiration: Bool {
        if case .instance = self { true } else { false }
    }
}
