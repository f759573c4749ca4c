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

    let caller: AWSCaller
    let expectedBucketOwner: String?

    /// - Parameter expectedBucketOwner: the account, 12 digits, that every bucket must belong to: a bucket that was
    ///   deleted and made anew by somebody else is then refused instead of read. Nil leaves it open.
    package init(_ caller: AWSCaller, expectedBucketOwner: String? = nil) {
        self.caller = caller
        self.expectedBucketOwner = expectedBucketOwner
    }

    /// - Parameter metadata: names without `x-amz-meta-`, ASCII values.
    package func putObject(
        bucket: String, key: ObjectKey, body: [UInt8], contentType: String,
        metadata: [(name: String, value: String)] = [], onlyIfAbsent: Bool
    ) async throws(AWSFailure) -> PutObjectOutcome {
        let request = try wire(
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
        let request = try wire(.headObject(bucket: bucket, key: key, versionID: versionID))
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
        let get = try wire(
            .getObject(
                bucket: bucket, key: key, versionID: versionID, range: 0...0, ifMatch: nil))
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
        } catch .service(let error)
            where [404, 405, 416].contains(error.status) || error.code == "InvalidObjectState"
        {
            // Answers about the object (absent, a marker, empty, archived), so HEAD is allowed again.
        }
        // What stood in the way of the HEAD, an expired token say, is gone.
        let reply = try await caller.send(head, CallLimits(answers: [404, 405]))
        return try head.parse(reply, HeadObjectOutcome.init)
    }

    /// The whole object; longer than `maximumBytes` is an error.
    package func getObject(
        bucket: String, key: ObjectKey, versionID: String? = nil, maximumBytes: Int
    ) async throws(AWSFailure) -> [UInt8] {
        let request = try wire(
            .getObject(
                bucket: bucket, key: key, versionID: versionID, range: nil, ifMatch: nil))
        let reply = try await caller.send(request, bodyLimits(maximumBytes))
        guard reply.body.count <= maximumBytes else {
            throw .reply(operation: request.operation, longerThan(maximumBytes))
        }
        return reply.body
    }

    /// Up to `maximumBytes` from `offset` on: what is too large for memory is read piece by piece, each retried alone.
    /// - Parameter ifMatch: the first piece's entity tag; an object that changed since is `PreconditionFailed`.
    package func getObjectPiece(
        bucket: String, key: ObjectKey, offset: Int64, maximumBytes: Int, ifMatch: String?
    ) async throws(AWSFailure) -> ObjectPiece {
        let request = try wire(
            .getObject(
                bucket: bucket, key: key, versionID: nil,
                range: offset...(offset + Int64(max(1, maximumBytes)) - 1), ifMatch: ifMatch))
        let reply = try await caller.send(request, bodyLimits(maximumBytes, answers: [416]))
        return try request.parse(reply) { reply throws(UnreadableReply) in
            let piece = try ObjectPiece(reply, offset: offset)
            guard piece.bytes.count <= maximumBytes else { throw longerThan(maximumBytes) }
            return piece
        }
    }

    /// One page of the versions of all keys that begin with `prefix`.
    package func listObjectVersions(
        bucket: String, prefix: ObjectKey, after: (key: ObjectKey, versionID: String)? = nil
    ) async throws(AWSFailure) -> ObjectVersionPage {
        let request = try wire(.listObjectVersions(bucket: bucket, prefix: prefix, after: after))
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
            guard page.hasExactKeys || key.bytes.allSatisfy({ $0 >= 0x20 }) else {
                let problem =
                    "keys are not URL-encoded, so the one that is asked for may be among them"
                throw .reply(operation: "ListObjectVersions", UnreadableReply(problem))
            }
            // The key itself is the first of all keys that it is a prefix of.
            guard let nextKey = page.nextKey, let nextVersionID = page.nextVersionID,
                nextKey == key
            else { return false }
            after = (nextKey, nextVersionID)
        }
        let problem = "one key has more than \(Self.maximumVersionPages),000 versions"
        throw .reply(operation: "ListObjectVersions", UnreadableReply(problem))
    }

    /// The rules of the bucket, disabled ones too; none when it has no replication configuration.
    package func bucketReplication(bucket: String) async throws(AWSFailure) -> [ReplicationRule] {
        let request = try wire(.getBucketReplication(bucket: bucket))
        do {
            return try request.parse(try await caller.send(request), ReplicationRule.parse)
        } catch .service(let error)
            where error.code == "ReplicationConfigurationNotFoundError"
        {
            return []
        }
    }

    /// `Enabled`, `Suspended`, or nil for a bucket that never had versions.
    package func bucketVersioning(bucket: String) async throws(AWSFailure) -> String? {
        let request = try wire(.getBucketVersioning(bucket: bucket))
        let reply = try await caller.send(request)
        return try request.parse(reply) { reply throws(UnreadableReply) in
            try reply.xml("VersioningConfiguration").text("Status")
        }
    }

    /// How many lifecycle rules of the bucket are enabled.
    package func enabledLifecycleRules(bucket: String) async throws(AWSFailure) -> Int {
        let request = try wire(.getBucketLifecycleConfiguration(bucket: bucket))
        do {
            return try request.parse(try await caller.send(request)) {
                reply throws(UnreadableReply) in
                try reply.xml("LifecycleConfiguration").all("Rule")
                    .count { $0.text("Status") == "Enabled" }
            }
        } catch .service(let error) where error.code == "NoSuchLifecycleConfiguration" {
            return 0
        }
    }

    /// Where the bucket sends its events.
    package func bucketNotifications(
        bucket: String
    ) async throws(AWSFailure) -> [BucketNotification] {
        let request = try wire(.getBucketNotificationConfiguration(bucket: bucket))
        return try request.parse(try await caller.send(request), BucketNotification.parse)
    }

    /// How many uploads of that very key were begun and neither completed nor aborted, all of them now aborted: S3
    /// keeps their parts, and bills for them, until somebody does that.
    package func abortUnfinishedUploads(
        bucket: String, key: ObjectKey
    ) async throws(AWSFailure) -> Int {
        var aborted = 0
        var after: (key: ObjectKey, uploadID: String)?
        for _ in 0..<Self.maximumVersionPages {
            let request = try wire(
                .listMultipartUploads(bucket: bucket, prefix: key, after: after))
            let page = try request.parse(
                try await caller.send(request), MultipartUploadPage.init)
            for upload in page.entries where upload.key == key {
                try await S3Upload(self, bucket: bucket, key: key, uploadID: upload.uploadID)
                    .abort()
                aborted += 1
            }
            // The key itself is the first of all keys that it is a prefix of.
            guard let nextKey = page.nextKey, let nextUploadID = page.nextUploadID,
                nextKey == key
            else { return aborted }
            after = (nextKey, nextUploadID)
        }
        let problem = "one key has more than \(Self.maximumVersionPages) pages of uploads"
        throw .reply(operation: "ListMultipartUploads", UnreadableReply(problem))
    }

    private func wire(_ request: S3Request) throws(AWSFailure) -> AWSRequest {
        request.wire(at: try caller.endpoint(for: .s3)).expecting(bucketOwner: expectedBucketOwner)
    }
}

/// An error's body, which names the error, may be longer than a small object.
private func bodyLimits(_ maximumBytes: Int, answers: Set<Int> = []) -> CallLimits {
    CallLimits(
        deadline: .seconds(120), maximumReplyBytes: max(maximumBytes, 64 * 1024), answers: answers)
}

private func longerThan(_ maximumBytes: Int) -> UnreadableReply {
    UnreadableReply("longer than \(maximumBytes) bytes")
}
