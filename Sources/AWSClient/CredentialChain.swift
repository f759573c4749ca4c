package import AWSProtocol
package import HTTPTransport
package import SystemIO

/// AWS's chain of credentials: each fetch reads environment and files anew, finds the origin that is set up, and gets
/// the credentials from there. A credentials file or a token that another program replaces is so seen without a
/// restart.
package struct CredentialChain: CredentialFetching {
    /// A projected token of a cluster has about 1 KiB; STS takes 20,000 characters.
    private static let maximumTokenBytes = 20_000

    private let environment: [String: String]
    private let region: String
    private let endpoints: AWSEndpoints
    private let files: any FileSystem
    private let metadata: any HTTPExchanging
    private let sts: any HTTPExchanging
    private let clock: any ClockReading
    private let random: any RandomSource
    private let runProgram: @Sendable ([String]) throws -> [UInt8]

    /// - Parameters:
    ///   - region: of STS, when the profile names none.
    ///   - metadata: the exchange for link-local addresses: without a proxy.
    ///   - runProgram: runs a `credential_process` and answers its standard output.
    package init(
        environment: [String: String], region: String, endpoints: AWSEndpoints,
        files: any FileSystem, metadata: any HTTPExchanging, sts: any HTTPExchanging,
        clock: any ClockReading, random: any RandomSource,
        runProgram: @escaping @Sendable ([String]) throws -> [UInt8]
    ) {
        self.environment = environment
        self.region = region
        self.endpoints = endpoints
        self.files = files
        self.metadata = metadata
        self.sts = sts
        self.clock = clock
        self.random = random
        self.runProgram = runProgram
    }

    package nonisolated(nonsending) func fetch() async throws(AWSFailure) -> FetchedCredentials {
        let origin: CredentialOrigin
        do {
            let profiles = try readProfiles(environment, files)
            origin = try CredentialResolution(environment: environment, profiles: profiles).origin()
        } catch {
            throw .credentials("\(error)")
        }
        return FetchedCredentials(
            dated: try await credentials(of: origin),
            outlivesExpiration: origin.outlivesExpiration, place: "\(origin)")
    }

    private func credentials(
        of origin: CredentialOrigin
    ) async throws(AWSFailure) -> DatedCredentials {
        switch origin {
        case .fixed(let credentials, _):
            return DatedCredentials(credentials: credentials)
        case .assumedRole(let role, let base):
            let source = try await credentials(of: base).credentials
            return try await stsClient(source).assumeRole(role)
        case .webIdentity(let identity):
            let token = try secret(in: identity.tokenFile)
            return try await stsClient(nil)
                .assumeRoleWithWebIdentity(identity.role, token: token)
        case .process(let arguments):
            return try output(of: arguments)
        case .container(let container):
            return try await containerCredentials(container)
        case .instance(let endpoint):
            return try await InstanceMetadata(exchange: metadata, endpoint: endpoint)
                .credentials()
        }
    }

    /// - Parameter source: nil where nothing is signed.
    private func stsClient(_ source: AWSCredentials?) -> STSClient {
        STSClient(
            AWSCaller(
                region: region, endpoints: endpoints, exchange: sts,
                credentials: FixedCredentials(source), clock: clock,
                random: RandomNumbers(source: random)))
    }

    private func containerCredentials(
        _ container: ContainerCredentials
    ) async throws(AWSFailure) -> DatedCredentials {
        let variable = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? ""
        let token = try container.tokenFile.map { path throws(AWSFailure) in try secret(in: path) }
        if token == nil, variable.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw .credentials("AWS_CONTAINER_AUTHORIZATION_TOKEN holds a control character")
        }
        let endpoint = ContainerEndpoint(
            exchange: metadata, url: container.url,
            authorization: token ?? (variable.isEmpty ? nil : variable))
        let clock = clock
        return try await endpoint.credentials { () throws(AWSFailure) in
            do {
                try await clock.sleep(for: .seconds(1))
            } catch {
                throw .http(operation: "credentials", .cancelled)
            }
        }
    }

    private func output(of arguments: [String]) throws(AWSFailure) -> DatedCredentials {
        let program = arguments.first ?? ""
        do {
            let document = try CredentialDocument(try runProgram(arguments))
            guard document.version == 1 else {
                throw UnreadableReply("Version is not 1")
            }
            return DatedCredentials(credentials: try document.credentials())
        } catch {
            throw .credentials("credential_process \(program): \(error)")
        }
    }

    /// A token file's text without the white space around it.
    private func secret(in path: String) throws(AWSFailure) -> String {
        let bytes: [UInt8]
        do {
            bytes = try files.contents(of: path, atMost: Self.maximumTokenBytes)
        } catch {
            throw .credentials("cannot read the token in \(path): \(error)")
        }
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let head = bytes.drop(while: isBlank)
        guard let last = head.lastIndex(where: { !isBlank($0) }),
            head[...last].allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { throw .credentials("\(path) holds no token") }
        return String(decoding: head[...last], as: UTF8.self)
    }
}

/// The profiles of `~/.aws/config` and `~/.aws/credentials`, or of the files that AWS_CONFIG_FILE and
/// AWS_SHARED_CREDENTIALS_FILE name. A file that is not there is an empty one.
package func readProfiles(
    _ environment: [String: String], _ files: any FileSystem
) throws(CredentialProblem) -> SharedProfiles {
    func text(_ variable: String, _ standard: String) throws(CredentialProblem) -> String {
        let home = environment["HOME"] ?? ""
        let given = environment[variable] ?? ""
        var path = given.isEmpty ? standard : given
        if path.hasPrefix("~/") {
            guard !home.isEmpty else { return "" }
            path = home + path.dropFirst()
        }
        do {
            return String(decoding: try files.contents(of: path, atMost: 1 << 20), as: UTF8.self)
        } catch .file(let failure) where failure.isNotFound {
            return ""
        } catch .file(let failure) where failure.isPermissionDenied && given.isEmpty {
            // Not a file of ours: a service's HOME may be anybody's.
            return ""
        } catch {
            throw CredentialProblem("cannot read \(path): \(error)")
        }
    }
    return SharedProfiles(
        configuration: try text("AWS_CONFIG_FILE", "~/.aws/config"),
        credentials: try text("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
}

/// One set of credentials, for the calls that fetch another.
private struct FixedCredentials: CredentialsProviding {
    private let fixed: AWSCredentials?

    init(_ fixed: AWSCredentials?) {
        self.fixed = fixed
    }

    nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
        guard let fixed else { throw .credentials("this call is not signed") }
        return fixed
    }

    nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async {}
}

private struct RandomNumbers: RandomNumberGenerator {
    let source: any RandomSource

    mutating func next() -> UInt64 { source.next() }
}
