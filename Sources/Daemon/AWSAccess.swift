internal import AWSClient
internal import AWSProtocol
internal import HTTPTransport
internal import Logging
internal import SystemIO

/// What every caller of AWS is made of.
struct AWSAccess: Sendable {
    let endpoints: AWSEndpoints
    let credentials: any CredentialsProviding
    let clock: any ClockReading
    let options: CurlOptions
    /// Of the configuration's queues, in their order.
    let queueRegions: [String]

    init(
        _ configuration: Configuration, environment: [String: String], clock: any ClockReading,
        random: any RandomSource, logger: Logger
    ) async throws(ConfigurationError) {
        let surroundings = Surroundings(environment)
        endpoints = try Self.endpoints(configuration, surroundings)
        options = CurlOptions(
            certificateBundle: surroundings["AWS_CA_BUNDLE", "ca_bundle"],
            proxies: ProxySettings(environment: environment))
        self.clock = clock
        let regions = try await surroundings.regions(of: configuration.queues)
        queueRegions = regions
        credentials = SharedCredentials(
            fetcher: CredentialChain(
                environment: environment, region: surroundings.region ?? regions.first ?? "",
                endpoints: endpoints, files: PosixFileSystem(),
                metadata: surroundings.metadata, sts: CurlExchange(options: options),
                clock: clock, random: random,
                runProgram: {
                    try outputOfProgram($0, within: .seconds(60), atMost: 64 * 1024)
                }),
            clock: clock, random: random, executor: QueueExecutor.blocking("s3remedy.credentials"),
            report: { event in
                if case .renewed = event {
                    logger.info("\(event)")
                } else {
                    logger.warning("\(event)")
                }
            })
    }

    fileprivate static func endpoints(
        _ configuration: Configuration, _ surroundings: Surroundings
    ) throws(ConfigurationError) -> AWSEndpoints {
        let urls: [(AWSService, String?)] = [
            (.sqs, configuration.endpoints.sqs), (.s3, configuration.endpoints.s3),
            (.s3control, configuration.endpoints.s3control), (.sts, configuration.endpoints.sts),
        ]
        let configured = Dictionary(
            uniqueKeysWithValues: urls.compactMap { service, url in url.map { (service, $0) } })
        do {
            return try AWSEndpoints(
                configured: configured, environment: surroundings.environment,
                profile: surroundings.profile)
        } catch {
            throw ConfigurationError(file: "aws.endpoints", sentence: "\(error)")
        }
    }

    /// One caller, for one actor: `exchange` blocks it.
    func caller(region: String, exchange: CurlExchange) -> AWSCaller {
        AWSCaller(
            region: region, endpoints: endpoints, exchange: exchange, credentials: credentials,
            clock: clock, random: SystemRandomNumberGenerator())
    }
}

/// What a start refuses although the file is well formed: endpoints, a queue without a Region, a group that this host
/// does not know. Returns the operators' group. Blocks.
func checkSurroundings(
    of configuration: Configuration, environment: [String: String]
) async throws(ConfigurationError) -> UInt32? {
    let surroundings = Surroundings(environment)
    _ = try AWSAccess.endpoints(configuration, surroundings)
    _ = try await surroundings.regions(of: configuration.queues)
    return try Roles.group(named: configuration.operatorGroup)
}

/// What the environment and the shared configuration file say beside credentials.
private struct Surroundings {
    let environment: [String: String]
    let profile: SharedProfiles.Profile?
    /// Link-local addresses are never behind a proxy.
    let metadata = CurlExchange(
        options: CurlOptions(proxies: .none, connectTimeout: .seconds(1)))

    init(_ environment: [String: String]) {
        self.environment = environment
        // A file that cannot be read is the credentials' problem, which status shows; a start needs none.
        let profiles = try? readProfiles(environment, PosixFileSystem())
        profile = profiles?[CredentialResolution.profileName(environment) ?? "default"]
    }

    subscript(variable: String, setting: String) -> String? {
        let value = environment[variable] ?? ""
        return value.isEmpty ? profile?[setting] : value
    }

    var region: String? { self["AWS_REGION", "region"] ?? self["AWS_DEFAULT_REGION", "region"] }

    func regions(of queues: [Configuration.Queue]) async throws(ConfigurationError) -> [String] {
        var regions: [String] = []
        for queue in queues { regions.append(try await region(of: queue)) }
        return regions
    }

    /// The Region of a queue: its own key, its host's, that of environment or profile, the instance's.
    private func region(of queue: Configuration.Queue) async throws(ConfigurationError) -> String {
        if let region = queue.region ?? queueRegion(ofURL: queue.url) ?? region { return region }
        do {
            let endpoint = try instanceMetadataEndpoint(environment: environment, profile: profile)
            return try await InstanceMetadata(exchange: metadata, endpoint: endpoint).region()
        } catch {
            throw ConfigurationError(
                file: "queues",
                sentence:
                    "no Region for \(queue.url): its host names none, so set region beside url, or "
                    + "AWS_REGION in the environment (\(error))")
        }
    }
}
