/// One of AWS's partitions: Regions that share a domain. Source: botocore 1.43, `data/partitions.json`, and the endpoint
/// rule sets of the four services; compared Region by Region in the tests.
struct AWSPartition {
    /// Of the Regions' names; empty for the partition `aws`, which new names belong to until they are known.
    let prefix: String
    let suffix: String
    let dualStackSuffix: String

    private static let all = [
        AWSPartition("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        AWSPartition("us-gov-", "amazonaws.com", "api.aws"),
        AWSPartition("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
        AWSPartition("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        AWSPartition("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        AWSPartition("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        AWSPartition("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        AWSPartition("", "amazonaws.com", "api.aws"),
    ]

    private init(_ prefix: String, _ suffix: String, _ dualStackSuffix: String) {
        self.prefix = prefix
        self.suffix = suffix
        self.dualStackSuffix = dualStackSuffix
    }

    init(region: String) {
        self =
            Self.all.first { region.hasPrefix($0.prefix) }
            ?? AWSPartition("", "amazonaws.com", "api.aws")
    }

    /// The host name of a service's endpoint; nil where the partition has none of the kind.
    func host(of service: AWSService, region: String, fips: Bool, dualStack: Bool) -> String? {
        switch service {
        case .s3, .s3control:
            guard !fips || prefix != "cn-" else { return nil }
            let name = (service == .s3 ? "s3" : "s3-control") + (fips ? "-fips" : "")
            return "\(name).\(dualStack ? "dualstack." : "")\(region).\(suffix)"
        case .sqs, .sts:
            // GovCloud's plain endpoints are FIPS endpoints.
            let isNamed = fips && (prefix != "us-gov-" || dualStack)
            let name = service.rawValue + (isNamed ? "-fips" : "")
            return "\(name).\(region).\(dualStack ? dualStackSuffix : suffix)"
        }
    }

    /// Whether `host` is below a domain of AWS's own.
    static func contains(_ host: String) -> Bool {
        all.contains { host.hasSuffix("." + $0.suffix) || host.hasSuffix("." + $0.dualStackSuffix) }
    }
}

/// VPC endpoints end in `.vpce.amazonaws.com` and have to be called by their own name.
func isRegionalAWSHost(_ host: String) -> Bool {
    AWSPartition.contains(host) && !host.contains(".vpce.")
}

/// The Region in a queue's URL, if its host is one of AWS's: `sqs.REGION.…`, `sqs-fips.REGION.…`,
/// `vpce-….sqs.REGION.vpce.…`, `REGION.queue.…`.
package func queueRegion(ofURL url: String) -> String? {
    guard let host = SplitURL(url)?.host, AWSPartition.contains(host) else { return nil }
    let labels = host.split(separator: ".")
    if let service = labels.firstIndex(where: { $0 == "sqs" || $0 == "sqs-fips" }),
        service + 1 < labels.count
    {
        return String(labels[service + 1])
    }
    return labels.count > 2 && labels[1] == "queue" ? String(labels[0]) : nil
}
