package import AWSProtocol
package import Domain

/// How a conditional put ended.
package enum PutObjectOutcome: Hashable, Sendable {
    case stored(PutObjectReply)
    /// `onlyIfAbsent`, and the key is taken.
    case alreadyExists
}

/// Calls of Amazon S3 in one Region.
package struct S3Client {
    /// Of a key with so many versions that absence is not proved by reading on. A page has 1,000.
    package static let maximumVersionPages = 1000

    private let caller: AWSCaller

    package init(_ caller: AWSCaller) {
        self.caller = caller
    }

    /// - Parameter metadata: names without `x-amz-meta-`, ASCII values.
    package func putObject(
        bucket: String, key: ObjectKey, body: [UInt8], contentType: String,
        metadata: [(name: String, value: String)] = [], onlyIfAbsent: Bool
    ) async throws(AWSFailure) -> PutObjectOutcome {
        let request = wire(
            .putObject(
                bucket: bucket, key: key, body: body, contentType: contentType,
                metadata: metadata, onlyIfAbsent: onlyIfAbsent))
        let reply = try await caller.send(
            request, CallLimits(deadline: .seconds(120), answers: onlyIfAbsent ? [412] : []))
        if reply.status == 412 { return .alreadyExists }
        return .stored(try request.parse(reply, PutObjectReply.init))
    }

    /// - Parameter versionID: `null` for the null version; nil for the newest.
    package func headObject(
        bucket: String, key: ObjectKey, versionID: String?
    ) async throws(AWSFailure) -> HeadObjectOutcome {
        let request = wire(.headObject(bucket: bucket, key: key, versionID: versionID))
        let reply = try await caller.send(request, CallLimits(answers: [400, 403, 404, 405]))
        guard reply.status == 400 || reply.status == 403 else {
            return try request.parse(reply, HeadObjectOutcome.init)
        }
        return try await explain(request, reply, bucket, key, versionID)
    }

    /// An error to HEAD has no body, and 400 is an expired token as well as a missing SSE-C key: a GET of one byte,
    /// which needs the same permission, names the cause (and lets the caller refresh credentials and clock).
    private func explain(
        _ head: AWSRequest, _ refusal: AWSReply, _ bucket: String, _ key: ObjectKey,
        _ versionID: String?
    ) async throws(AWSFailure) -> HeadObjectOutcome {
        let get = wire(
            .getObject(bucket: bucket, key: key, versionID: versionID, firstByteOnly: true))
        do {
            _ = try await caller.send(get, CallLimits(maximumReplyBytes: 1024 * 1024))
        } catch .service(let error)
            where error.code == "InvalidRequest" && refusal.status == 400
            && error.message.contains("Server Side Encryption")
        {
            return try head.parse(refusal) { reply throws(UnreadableReply) in
                guard let date = reply.date else { throw UnreadableReply("no Date header") }
                return .customerKeyNeeded(date: date)
            }
        }
        // The GET went through: what stood in the way of the HEAD is gone.
        let reply = try await caller.send(head, CallLimits(answers: [404, 405]))
        return try head.parse(reply, HeadObjectOutcome.init)
    }

    /// The whole object; longer than `maximumBytes` is an error.
    package func getObject(
        bucket: String, key: ObjectKey, versionID: String? = nil, maximumBytes: Int
    ) async throws(AWSFailure) -> [UInt8] {
        let request = wire(
            .getObject(bucket: bucket, key: key, versionID: versionID, firstByteOnly: false))
        let limits = CallLimits(deadline: .seconds(120), maximumReplyBytes: maximumBytes)
        return try await caller.send(request, limits).body
    }

    /// One page of the versions of all keys that begin with `prefix`.
    package func listObjectVersions(
        bucket: String, prefix: ObjectKey, after: (key: ObjectKey, versionID: String)? = nil
    ) async throws(AWSFailure) -> ObjectVersionPage {
        let request = wire(.listObjectVersions(bucket: bucket, prefix: prefix, after: after))
        return try request.parse(try await caller.send(request), ObjectVersionPage.init)
    }

    /// Whether the bucket still has this version, delete markers included. `false` is a proof: the bucket answered
    /// with every version of the key.
    package func objectVersionExists(
        bucket: String, key: ObjectKey, versionID: String
    ) async throws(AWSFailure) -> Bool {
        var after: (key: ObjectKey, versionID: String)?
        for _ in 0..<Self.maximumVersionPages {
            let page = try await listObjectVersions(bucket: bucket, prefix: key, after: after)
            if page.entries.contains(where: { $0.key == key && $0.versionID == versionID }) {
                return true
            }
            // The key itself is the first of all keys that it is a prefix of.
            guard let nextKey = page.nextKey, let nextVersionID = page.nextVersionID,
                nextKey == key
            else { return false }
            after = (nextKey, nextVersionID)
        }
        let problem = "\(key.encoded) has more than \(Self.maximumVersionPages),000 versions"
        throw .reply(operation: "ListObjectVersions", UnreadableReply(problem))
    }

    /// The rules of the bucket, disabled ones too; none when it has no replication configuration.
    package func bucketReplication(bucket: String) async throws(AWSFailure) -> [ReplicationRule] {
        let request = wire(.getBucketReplication(bucket: bucket))
        do {
            return try request.parse(try await caller.send(request), ReplicationRule.parse)
        } catch .service(let error)
            where error.code == "ReplicationConfigurationNotFoundError"
        {
            return []
        }
    }

    private func wire(_ request: S3Request) -> AWSRequest {
        request.wire(at: caller.endpoints.endpoint(for: .s3, region: caller.region))
    }
}
