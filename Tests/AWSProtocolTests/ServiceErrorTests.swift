internal import AWSProtocol
internal import Testing

private let request = AWSRequest(
    .s3control, "CreateJob", "POST", at: AWSEndpoint(scheme: "https", host: "h"))

private func error(_ status: Int, _ body: String) -> AWSServiceError {
    AWSServiceError(xml: Array(body.utf8), status: status, of: request)
}

@Test(arguments: [
    "<Error><Code>NoSuchJob</Code><Message>gone</Message></Error>",
    "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchJob</Code><Message>gone</Message></Error></ErrorResponse>",
])
func `both shapes of an error are read`(body: String) {
    #expect(error(404, body).description == "S3 Control CreateJob: 404 NoSuchJob: gone")
}

@Test(arguments: ["", "<html>bad gateway</html>", "no xml", "<!DOCTYPE x><Error/>"])
func `an error that is none of AWS's keeps its status`(body: String) {
    #expect(error(502, body).description == "S3 Control CreateJob: 502")
    #expect(error(502, body).kind == .transient)
}

@Test(arguments: [
    ("SlowDown", 503, AWSErrorKind.throttling), ("RequestThrottled", 403, .throttling),
    ("TooManyRequestsException", 400, .throttling), ("InternalError", 200, .transient),
    ("RequestTimeout", 400, .transient), ("ExpiredToken", 400, .credentials),
    ("InvalidClientTokenId", 403, .credentials), ("RequestTimeTooSkewed", 403, .clockSkew),
    ("SignatureDoesNotMatch", 403, .clockSkew), ("AccessDenied", 403, .permanent),
    ("NoSuchBucket", 404, .permanent), ("Whatever", 503, .transient), ("Whatever", 501, .permanent),
    ("", 403, .clockSkew), ("", 429, .throttling), ("", 400, .permanent), ("", 500, .transient),
])
func `the code decides, and the status where there is no known code`(
    code: String, status: Int, kind: AWSErrorKind
) {
    let error = AWSServiceError(
        service: .s3, operation: "Any", status: status, code: code, message: "")
    #expect(error.kind == kind)
}

@Test func `a message is one short line without the canonical request`() {
    let long = AWSServiceError(
        code: "com.amazonaws.sqs#Some", message: String(repeating: "x", count: 9999), status: 400,
        of: request)
    #expect(long.code == "Some")
    #expect(long.message.utf8.count == 500)
    let leaking = AWSServiceError(
        code: "SignatureDoesNotMatch",
        message: "It does not match. The Canonical String should have been 'token'\nmore",
        status: 403, of: request)
    #expect(leaking.message == "It does not match. ")
}

@Test(arguments: [
    (
        #"on resource: "arn:aws:s3:::orders/a/b.csv" because no policy"#,
        #"on resource: "arn:aws:s3:::orders/*" because no policy"#
    ),
    (
        #"resource: "arn:aws:s3:::orders/a"b"c" because"#,
        #"resource: "arn:aws:s3:::orders/*" because"#
    ),
    ("resource: arn:aws-cn:s3:::orders/a b", "resource: arn:aws-cn:s3:::orders/*"),
    (
        "resource: \"arn:aws:s3:::orders/a\nb\" because",
        "resource: \"arn:aws:s3:::orders/*\" because"
    ),
    (
        #"resource: "arn:aws:s3:::orders" because of s3/ListBucket"#,
        #"resource: "arn:aws:s3:::orders" because of s3/ListBucket"#
    ),
    ("Access Denied", "Access Denied"),
])
func `a message keeps the bucket of an object and not its key`(said: String, kept: String) {
    let error = AWSServiceError(code: "AccessDenied", message: said, status: 403, of: request)
    #expect(error.message == kept)
}
