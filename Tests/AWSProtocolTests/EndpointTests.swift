internal import AWSProtocol
internal import Domain
internal import TestSupport
internal import Testing

private func url(
    _ service: AWSService, _ region: String = "eu-west-1", queue: String? = nil,
    configured: [AWSService: String] = [:], environment: [String: String] = [:]
) throws -> String {
    let endpoints = try AWSEndpoints(configured: configured, environment: environment)
    let endpoint = try endpoints.endpoint(for: service, region: region, queueURL: queue)
    return endpoint.scheme + "://" + endpoint.host + endpoint.basePath
}

@Test func `AWS's own endpoints follow service and Region`() throws {
    #expect(try url(.sqs) == "https://sqs.eu-west-1.amazonaws.com")
    #expect(try url(.s3) == "https://s3.eu-west-1.amazonaws.com")
    #expect(try url(.s3control) == "https://s3-control.eu-west-1.amazonaws.com")
    #expect(try url(.sts, "cn-north-1") == "https://sts.cn-north-1.amazonaws.com.cn")
}

@Test func `the configuration wins over the service's variable, which wins over the common one`()
    throws
{
    let both = ["AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_S3_CONTROL": "http://ctl:2/"]
    #expect(try url(.s3control, environment: both) == "http://ctl:2")
    #expect(try url(.s3, environment: both) == "http://all:1")
    #expect(
        try url(.s3, configured: [.s3: "https://own:443/base/"], environment: both)
            == "https://own/base")
    let ignored = both.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
    #expect(try url(.sts, environment: ignored) == "https://sts.eu-west-1.amazonaws.com")
}

@Test(arguments: [
    (
        "https://sqs.eu-west-1.amazonaws.com/111122223333/q",
        "https://sqs.eu-west-1.amazonaws.com"
    ),
    ("http://127.0.0.1:4566/000000000000/q", "http://127.0.0.1:4566"),
    (
        "https://vpce-1a-2b.sqs.eu-west-1.vpce.amazonaws.com/1/q",
        "https://vpce-1a-2b.sqs.eu-west-1.vpce.amazonaws.com"
    ),
    ("http://[::1]:9324/q", "http://[::1]:9324"),
])
func `SQS goes to the queue URL's host when it is not AWS's`(queue: String, expected: String)
    throws
{
    #expect(try url(.sqs, queue: queue) == expected)
}

@Test(arguments: [
    "", "sqs.example", "ftp://x", "http://", "http://a b", "http://u:p@h/", "http://h/?q",
    "http://h/#f", "http://h/a b", "http://h\r\nX: y",
])
func `what is no endpoint is refused by name`(text: String) {
    let error = #expect(throws: EndpointError.self) { try AWSEndpoint(override: text) }
    #expect(error?.description.hasPrefix(text) == true)
}

@Test func `a bucket goes into the host name only where it fits`() throws {
    let aws = AWSEndpoint(scheme: "https", host: "s3.eu-west-1.amazonaws.com")
    let own = try AWSEndpoint(override: "http://127.0.0.1:4566/base")
    func url(_ bucket: String, _ endpoint: AWSEndpoint) -> String {
        S3Request.headObject(bucket: bucket, key: ObjectKey("a b/ü//.."), versionID: "null")
            .wire(at: endpoint).url
    }
    let key = "a%20b/%C3%BC//..?versionId=null"
    #expect(url("orders", aws) == "https://orders.s3.eu-west-1.amazonaws.com/" + key)
    for bucket in ["or.ders", "Orders", "or_ders", "or", "-orders"] {
        #expect(url(bucket, aws) == "https://s3.eu-west-1.amazonaws.com/\(bucket)/" + key)
    }
    #expect(url("orders", own) == "http://127.0.0.1:4566/base/orders/" + key)
    #expect(url("a/../b", own) == "http://127.0.0.1:4566/base/a%2F..%2Fb/" + key)
}

@Test func `S3 Control puts the account into AWS's host name alone`() throws {
    let aws = AWSEndpoint(scheme: "https", host: "s3-control.eu-west-1.amazonaws.com")
    let own = try AWSEndpoint(override: "http://127.0.0.1:4566")
    let request = S3ControlRequest.listJobs(statuses: ["Active", "New"], nextToken: "a/b=")
    let query = "?jobStatuses=Active&jobStatuses=New&maxResults=1000&nextToken=a%2Fb%3D"
    #expect(
        request.wire(account: "111122223333", at: aws).url
            == "https://111122223333.s3-control.eu-west-1.amazonaws.com/v20180820/jobs" + query)
    #expect(
        request.wire(account: "111122223333", at: own).url
            == "http://127.0.0.1:4566/v20180820/jobs" + query)
    #expect(
        S3ControlRequest.updateJobStatus(id: "a/b", status: "Cancelled", reason: "No longer needed")
            .wire(account: "111122223333", at: own).url
            == "http://127.0.0.1:4566/v20180820/jobs/a%2Fb/status?requestedJobStatus=Cancelled"
            + "&statusUpdateReason=No%20longer%20needed")
}

private struct BotocoreEndpoint: Decodable {
    var service: String
    var region: String
    var fips: Bool
    var dualStack: Bool
    /// Nil where botocore refuses.
    var url: String?
    var signingRegion: String?
}

@Test func `every Region's endpoints equal botocore's, with FIPS and dual-stack`() throws {
    let answers = try botocoreAnswers("endpoints", as: [BotocoreEndpoint].self)
    var refused = 0
    for answer in answers {
        let service = try #require(AWSService(rawValue: answer.service))
        let endpoints = try AWSEndpoints(environment: [
            "AWS_USE_FIPS_ENDPOINT": "\(answer.fips)",
            "AWS_USE_DUALSTACK_ENDPOINT": "\(answer.dualStack)",
        ])
        guard let expected = answer.url else {
            refused += 1
            #expect(throws: EndpointError.noFIPS(service, region: answer.region)) {
                try endpoints.endpoint(for: service, region: answer.region)
            }
            continue
        }
        let endpoint = try endpoints.endpoint(for: service, region: answer.region)
        let host =
            switch service {
            case .s3: "orders." + endpoint.host
            case .s3control: "111122223333." + endpoint.host
            case .sqs, .sts: endpoint.host
            }
        #expect(endpoint.scheme + "://" + host == expected)
        #expect(answer.signingRegion == answer.region)
        let bucket = S3Request.headObject(bucket: "orders", key: ObjectKey("k"), versionID: nil)
        if service == .s3 { #expect(bucket.wire(at: endpoint).host == host) }
    }
    #expect(answers.count >= 700)
    print("endpoints compared with botocore's: \(answers.count), refused by both \(refused)")
}

@Test func `a profile may set FIPS and dual-stack, behind the variables`() throws {
    let profiles = SharedProfiles(
        configuration: "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n")
    func host(_ environment: [String: String]) throws -> String {
        try AWSEndpoints(environment: environment, profile: profiles["default"])
            .endpoint(for: .sqs, region: "eu-west-1").host
    }
    #expect(try host([:]) == "sqs-fips.eu-west-1.api.aws")
    #expect(try host(["AWS_USE_FIPS_ENDPOINT": "false"]) == "sqs.eu-west-1.api.aws")
    let own = SharedProfiles(configuration: "[default]\nendpoint_url = http://own:1\n")
    let endpoint = try AWSEndpoints(profile: own["default"]).endpoint(for: .s3, region: "r")
    #expect(endpoint.host == "own:1")
}

@Test(arguments: [
    ("https://sqs.eu-west-1.amazonaws.com/1/q", "eu-west-1"),
    ("https://sqs-fips.us-gov-west-1.api.aws/1/q", "us-gov-west-1"),
    ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1"),
    ("https://vpce-1a.sqs.eu-west-1.vpce.amazonaws.com/1/q", "eu-west-1"),
    ("https://eu-west-2.queue.amazonaws.com/1/q", "eu-west-2"),
    ("https://sqs.us-iso-east-1.c2s.ic.gov/1/q", "us-iso-east-1"),
    ("http://127.0.0.1:4566/1/q", nil), ("https://sqs.example.com/1/q", nil), ("x", nil),
])
func `a queue's URL names its Region where its host is AWS's`(url: String, region: String?) {
    #expect(queueRegion(ofURL: url) == region)
}
