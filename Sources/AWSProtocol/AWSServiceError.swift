/// What an error of an AWS service asks of the caller.
package enum AWSErrorKind: String, Hashable, Sendable {
    /// Goes away by itself: send again.
    case transient
    /// Too many requests: send again, later.
    case throttling
    /// The credentials are expired or unknown: fetch new ones, once.
    case credentials
    /// This host's clock, if it proves to be wrong; else as permanent.
    case clockSkew
    /// The same request will fail again.
    case permanent
}

/// An error that an AWS service answered.
package struct AWSServiceError: Error, Hashable, Sendable {
    package var service: AWSService
    /// AWS's name of the operation: `CreateJob`.
    package var operation: String
    /// HTTP status.
    package var status: Int
    /// Without namespace; empty when the reply named none, as every reply to HEAD.
    package var code: String
    /// One line, at most 500 characters; may be empty.
    package var message: String

    package init(
        service: AWSService, operation: String, status: Int, code: String, message: String
    ) {
        self.service = service
        self.operation = operation
        self.status = status
        self.code = code
        self.message = message
    }

    /// The error code decides; the status only where there is no code, or an unknown one with a 5xx.
    /// Source: AWS SDKs and Tools Reference Guide, "Retry behavior".
    package var kind: AWSErrorKind {
        if throttlingCodes.contains(code) { return .throttling }
        if transientCodes.contains(code) { return .transient }
        if credentialCodes.contains(code) { return .credentials }
        if clockCodes.contains(code) || (code.isEmpty && status == 403) { return .clockSkew }
        if code.isEmpty && status == 429 { return .throttling }
        return [500, 502, 503, 504].contains(status) ? .transient : .permanent
    }
}

extension AWSServiceError: CustomStringConvertible {
    /// `S3 HeadObject: 403 AccessDenied: Access Denied`.
    package var description: String {
        let parts = ["\(status)", code].filter { !$0.isEmpty }.joined(separator: " ")
        let service = service == .s3control ? "S3 Control" : service.rawValue.uppercased()
        return "\(service) \(operation): \(parts)" + (message.isEmpty ? "" : ": \(message)")
    }
}

extension AWSServiceError {
    /// Reads the XML of S3, S3 Control and STS: `<Error>` bare or inside `<ErrorResponse>`. A body that is neither
    /// leaves code and message empty.
    package init(xml body: [UInt8], status: Int, of request: AWSRequest) {
        let root = try? XMLElement(parsing: body)
        let error = root?.name == "Error" ? root : root?["Error"]
        self.init(
            code: error?.text("Code") ?? "", message: error?.text("Message") ?? "", status: status,
            of: request)
    }

    /// Cuts what a reply says to what may be logged.
    package init(code: String, message: String, status: Int, of request: AWSRequest) {
        let name = code.split(separator: "#").last ?? ""
        self.init(
            service: request.service, operation: request.operation, status: status,
            code: String(name.prefix(100)), message: firstLine(of: withoutKey(message)))
    }
}

/// An AccessDenied names the object, `arn:aws:s3:::BUCKET/KEY`, in quotes that its key may hold too. The bucket is enough:
/// whoever logs a key does so where it can be hidden.
private func withoutKey(_ message: String) -> String {
    guard let arn = message.firstRange(of: ":s3:::"),
        let slash = message[arn.upperBound...].firstIndex(where: { $0 == "/" || $0 == "\"" }),
        message[slash] == "/"
    else { return message }
    let end = message[slash...].lastIndex(of: "\"") ?? message.endIndex
    return message[..<slash] + "/*" + message[end...]
}

/// Signature errors go on for lines, with the canonical request and so the session token.
private func firstLine(of message: String) -> String {
    let line = message.prefix { !$0.isNewline }
    let end = line.firstRange(of: "The Canonical String")?.lowerBound ?? line.endIndex
    return String(line[..<end].prefix(500))
}

private let throttlingCodes: Set<String> = [
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
    "RequestThrottled", "TooManyRequestsException", "ProvisionedThroughputExceededException",
    "TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
    "LimitExceededException", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException",
    "KmsThrottled",
]

private let transientCodes: Set<String> = [
    "RequestTimeout", "RequestTimeoutException", "InternalError", "InternalServiceException",
    "IDPCommunicationError", "ServiceUnavailable",
]

private let credentialCodes: Set<String> = [
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidAccessKeyId",
    "UnrecognizedClientException",
]

private let clockCodes: Set<String> = [
    "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "RequestTimeTooSkewed",
    "AccessDeniedException",
]
