internal import AWSProtocol
package import Domain

/// One multipart upload, part after part. The caller aborts it when it does not complete it: S3 bills for its parts.
package struct S3Upload {
    private let client: S3Client
    private let bucket: String
    private let key: ObjectKey
    package let uploadID: String
    private var parts: [S3MultipartRequest.Part] = []

    /// - Parameter metadata: names without `x-amz-meta-`, ASCII values.
    package static func create(
        _ client: S3Client, bucket: String, key: ObjectKey, contentType: String,
        metadata: [(name: String, value: String)]
    ) async throws(AWSFailure) -> S3Upload {
        let endpoint = try client.caller.endpoint(for: .s3)
        let request = S3MultipartRequest.create(contentType: contentType, metadata: metadata)
            .wire(bucket: bucket, key: key, at: endpoint)
            .expecting(bucketOwner: client.expectedBucketOwner)
        let id = try request.parse(try await client.caller.send(request)) {
            reply throws(UnreadableReply) in
            try reply.uploadID()
        }
        return S3Upload(client, bucket: bucket, key: key, uploadID: id)
    }

    /// An upload that was begun before.
    init(_ client: S3Client, bucket: String, key: ObjectKey, uploadID: String) {
        self.client = client
        self.bucket = bucket
        self.key = key
        self.uploadID = uploadID
    }

    /// Sends the next part: at least 5 MiB, unless it is the last.
    package mutating func append(_ body: [UInt8]) async throws(AWSFailure) {
        let number = parts.count + 1
        let request = try wire(.uploadPart(uploadID: uploadID, number: number, body: body))
        let reply = try await client.caller.send(request, CallLimits(deadline: .seconds(120)))
        let part = try request.parse(reply, PutObjectReply.init)
        parts.append(S3MultipartRequest.Part(number: number, eTag: part.eTag))
    }

    /// Makes the object of its parts.
    package func complete(onlyIfAbsent: Bool) async throws(AWSFailure) -> PutObjectOutcome {
        let request = try wire(
            .complete(uploadID: uploadID, parts: parts, onlyIfAbsent: onlyIfAbsent))
        let reply = try await client.caller.send(
            request,
            CallLimits(
                deadline: .seconds(120), answers: onlyIfAbsent ? [412] : [],
                errorsMayHaveStatus200: true))
        if reply.status == 412 { return .alreadyExists }
        return .stored(try request.parse(reply, PutObjectReply.completed))
    }

    /// Frees the parts.
    package func abort() async throws(AWSFailure) {
        _ = try await client.caller.send(try wire(.abort(uploadID: uploadID)))
    }

    private func wire(_ request: S3MultipartRequest) throws(AWSFailure) -> AWSRequest {
        request.wire(bucket: bucket, key: key, at: try client.caller.endpoint(for: .s3))
            .expecting(bucketOwner: client.expectedBucketOwner)
    }
}
