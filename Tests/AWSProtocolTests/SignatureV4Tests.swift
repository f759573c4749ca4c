internal import AWSProtocol
internal import Domain
internal import TestSupport
internal import Testing

private struct Vector: Decodable {
    var service: String
    var method: String
    var host: String
    var path: String
    var query: [[String]]
    var headers: [[String]]
    var body: String
    var token: String?
    var region: String
    var milliseconds: Int64
    var authorization: String
}

@Test func `every signature equals botocore's`() throws {
    let seed = 20_261_124
    let vectors = try botocoreAnswers("signatures", "\(seed)", as: [Vector].self)
    var signature = SignatureV4()
    for vector in vectors {
        let service = try #require(AWSService(rawValue: vector.service))
        let request = AWSRequest(
            service, "Any", vector.method, at: AWSEndpoint(scheme: "https", host: vector.host),
            path: vector.path, query: vector.query.map { ($0[0], $0[1]) },
            headers: vector.headers.map { ($0[0], $0[1]) }, body: Array(vector.body.utf8))
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE",
            secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: vector.token)
        let headers = signature.headers(
            signing: request, with: credentials, region: vector.region,
            at: Timestamp(milliseconds: vector.milliseconds))
        #expect(
            headers.last?.value == vector.authorization, "\(vector.service) \(request.url)")
    }
    #expect(vectors.count >= 2000)
    print("signatures compared with botocore's: \(vectors.count), seed \(seed)")
}

@Test func `a changed secret is not signed with the kept key`() {
    let request = AWSRequest(
        .s3, "Any", "GET", at: AWSEndpoint(scheme: "https", host: "h.amazonaws.com"))
    let time = Timestamp(milliseconds: 1_800_000_000_000)
    var reused = SignatureV4()
    for secret in ["one", "two", "one"] {
        let credentials = AWSCredentials(accessKeyID: "A", secretAccessKey: secret)
        var fresh = SignatureV4()
        let expected = fresh.headers(signing: request, with: credentials, region: "r", at: time)
        let given = reused.headers(signing: request, with: credentials, region: "r", at: time)
        #expect(given.map(\.value) == expected.map(\.value))
    }
}

@Test func `credentials show their access key ID alone`() {
    let credentials = AWSCredentials(
        accessKeyID: "AKIDEXAMPLE", secretAccessKey: "hush", sessionToken: "token-hush")
    var dumped = ""
    dump(credentials, to: &dumped)
    let shown = [
        "\(credentials)", String(reflecting: credentials), dumped, "\([credentials])",
        "\(Optional(credentials) as Any)",
    ]
    for text in shown {
        #expect(text.contains("AKIDEXAMPLE"))
        #expect(!text.contains("hush"))
    }
    #expect(credentials.redacting("a hush b token-hush") == "a [removed] b token-[removed]")
}
