internal import AWSClient
internal import AWSProtocol
internal import HTTPTransport
internal import SystemIO

/// What every caller of AWS is made of.
struct AWSAccess: Sendable {
    let endpoints: AWSEndpoints
    let credentials: any CredentialsProviding
    let clock: any ClockReading
    let options: CurlOptions
    private let environment: [String: String]

    init(
        _ configuration: Configuration, environment: [String: String], clock: any ClockReading
    ) throws(ConfigurationError) {
        let urls: [(AWSService, String?)] = [
            (.sqs, configuration.endpoints.sqs), (.s3, configuration.endpoints.s3),
            (.s3control, configuration.endpoints.s3control), (.sts, configuration.endpoints.sts),
        ]
        let configured = Dictionary(
            uniqueKeysWithValues: urls.compactMap { service, url in url.map { (service, $0) } })
        do {
            endpoints = try AWSEndpoints(configured: configured, environment: environment)
        } catch {
            throw ConfigurationError(file: "AWS_ENDPOINT_URL", sentence: "\(error)")
        }
        credentials = EnvironmentCredentials(environment: environment)
        self.clock = clock
        self.environment = environment
        options = CurlOptions(
            certificateBundle: environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 })
    }

    /// One caller, for one actor: `exchange` blocks it.
    func caller(region: String, exchange: CurlExchange) -> AWSCaller {
        AWSCaller(
            region: region, endpoints: endpoints, exchange: exchange, credentials: credentials,
            clock: clock, random: SystemRandomNumberGenerator())
    }

    /// The Region of a queue: its own key, its host's (`sqs.REGION.amazonaws.com`), the environment's.
    func region(of queue: Configuration.Queue) throws(ConfigurationError) -> String {
        if let region = queue.region { return region }
        let host = queue.url.split(separator: "/").dropFirst().first ?? ""
        let labels = host.split(separator: ".")
        if labels.count >= 4, labels[0].hasPrefix("sqs"), labels[2].hasPrefix("amazonaws") {
            return String(labels[1])
        }
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let region = environment[name], !region.isEmpty { return region }
        }
        throw ConfigurationError(
            file: "queues",
            sentence:
                "no Region for \(queue.url): its host names none, so set region beside url, or "
                + "AWS_REGION in the environment")
    }
}
