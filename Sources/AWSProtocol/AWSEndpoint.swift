/// The services that s3remedy calls.
package enum AWSService: String, Hashable, Sendable, CaseIterable {
    case sqs, s3, s3control, sts

    /// The service's name in a signature: S3 Control signs as S3.
    package var signingName: String { self == .s3control ? "s3" : rawValue }

    /// How the environment names it: `AWS_ENDPOINT_URL_S3_CONTROL`.
    package var environmentSuffix: String {
        self == .s3control ? "S3_CONTROL" : rawValue.uppercased()
    }
}

/// Where requests of one service go.
package struct AWSEndpoint: Hashable, Sendable {
    package var scheme: String
    /// With the port unless it is the scheme's own, as in the `Host` header.
    package var host: String
    /// Encoded, without a trailing `/`; empty for the root.
    package var basePath: String
    /// Given by the user: no bucket or account goes into the host name.
    package var isOverride: Bool

    package init(scheme: String, host: String, basePath: String = "", isOverride: Bool = false) {
        self.scheme = scheme
        self.host = host
        self.basePath = basePath
        self.isOverride = isOverride
    }

    /// An endpoint of the user's own, such as `http://127.0.0.1:4566` or
    /// `https://bucket.vpce-1a2b-x.s3.eu-west-1.vpce.amazonaws.com`.
    package init(override url: String) throws(EndpointError) {
        guard let split = SplitURL(url), split.hasNoQuery else { throw .notAURL(url) }
        self.init(
            scheme: split.scheme, host: split.host, basePath: split.path, isOverride: true)
    }
}

/// An endpoint that cannot be used.
package enum EndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAURL(String)
    case noFIPS(AWSService, region: String)

    package var description: String {
        switch self {
        case .noFIPS(let service, let region):
            "\(service.rawValue) has no FIPS endpoint in \(region): leave AWS_USE_FIPS_ENDPOINT and "
                + "use_fips_endpoint out there"
        case .notAURL(let url):
            "\(url) is no endpoint: write http:// or https://, a host, and a port if needed, such as "
                + "https://vpce-1a2b.sqs.eu-west-1.vpce.amazonaws.com"
        }
    }
}

/// Which endpoint each service has: the configuration's, else the environment's, else (SQS) that of the queue's URL
/// when its host is not one of AWS's regional ones, else AWS's rules.
package struct AWSEndpoints: Sendable {
    private let overrides: [AWSService: AWSEndpoint]
    private let usesFIPS: Bool
    private let usesDualStack: Bool

    /// - Parameters:
    ///   - configured: URLs of `aws.endpoints`.
    ///   - environment: read for `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`,
    ///     `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`.
    ///   - profile: read for `endpoint_url`, `ignore_configured_endpoint_urls`, `use_fips_endpoint` and
    ///     `use_dualstack_endpoint`, each behind its variable.
    package init(
        configured: [AWSService: String] = [:], environment: [String: String] = [:],
        profile: SharedProfiles.Profile? = nil
    ) throws(EndpointError) {
        let variables = environment.filter { !$0.value.isEmpty }
        func isSet(_ variable: String, _ setting: String) -> Bool {
            (variables[variable] ?? profile?[setting])?.lowercased() == "true"
        }
        let ignored = isSet(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")
        var overrides: [AWSService: AWSEndpoint] = [:]
        for service in AWSService.allCases {
            let named = ["AWS_ENDPOINT_URL_" + service.environmentSuffix, "AWS_ENDPOINT_URL"]
            let surrounding =
                ignored
                ? nil
                : named.lazy.compactMap { variables[$0] }.first ?? profile?["endpoint_url"]
            if let url = configured[service] ?? surrounding {
                overrides[service] = try AWSEndpoint(override: url)
            }
        }
        self.overrides = overrides
        usesFIPS = isSet("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
        usesDualStack = isSet("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
    }

    /// - Parameter queueURL: counts for SQS alone.
    package func endpoint(
        for service: AWSService, region: String, queueURL: String? = nil
    ) throws(EndpointError) -> AWSEndpoint {
        if let override = overrides[service] { return override }
        if service == .sqs, let url = queueURL.flatMap(SplitURL.init), !isRegionalAWSHost(url.host)
        {
            return AWSEndpoint(scheme: url.scheme, host: url.host, isOverride: true)
        }
        let partition = AWSPartition(region: region)
        guard
            let host = partition.host(
                of: service, region: region, fips: usesFIPS, dualStack: usesDualStack)
        else { throw .noFIPS(service, region: region) }
        return AWSEndpoint(scheme: "https", host: host)
    }
}

/// An absolute http(s) URL in its parts.
struct SplitURL {
    var scheme: String
    var host: String
    var path: String
    var hasNoQuery: Bool

    init?(_ url: String) {
        guard let colon = url.utf8.firstRange(of: Array("://".utf8)) else { return nil }
        scheme = String(url[..<colon.lowerBound]).lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = url[colon.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let defaultPort = scheme == "http" ? ":80" : ":443"
        host = String(
            authority.hasSuffix(defaultPort) ? authority.dropLast(defaultPort.count) : authority
        ).lowercased()
        guard !host.isEmpty, host.utf8.allSatisfy(isHostByte) else { return nil }
        let target = rest[authority.endIndex...]
        hasNoQuery = !target.contains { $0 == "?" || $0 == "#" }
        path = String(target.prefix { $0 != "?" && $0 != "#" })
        while path.hasSuffix("/") { path.removeLast() }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    }
}

/// Letters, digits, `-`, `.`, `_`, a port's `:` and the brackets of an IPv6 address; no user information.
private func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "-._:[]".utf8.contains(byte)
    }
}
