package import AWSProtocol
package import Domain

/// What is known of an object's bytes before they are sent, from having read them once.
package struct ContentDigest: Hashable, Sendable {
    package var byteCount: Int64
    /// 64 lower-case hexadecimal digits.
    package var sha256: String

    package init(byteCount: Int64, sha256: String) {
        self.byteCount = byteCount
        self.sha256 = sha256
    }

    /// Of all bytes that `digest` was fed.
    package init(_ digest: RunningDigest) {
        self.init(byteCount: digest.byteCount, sha256: digest.hexadecimalDigest())
    }
}

/// An object that is stored as it should be.
package struct UploadedObject: Equatable, Sendable {
    /// Without quotes, as CreateJob wants it.
    package var eTag: String
    /// Nil in a bucket without versioning.
    package var versionID: String?
    /// It was there already, with the same digest: a crash came between its upload and the note of that.
    package var isFromBefore: Bool
    /// Why unfinished uploads of before could not be cleaned up, if so. They cost money and do no other harm.
    package var cleanUpTrouble: AWSFailure?

    package init(eTag: String, versionID: String?, isFromBefore: Bool = false) {
        self.eTag = eTag
        self.versionID = versionID
        self.isFromBefore = isFromBefore
    }
}

/// Why an object is not stored.
package enum UploadFailure<SourceFailure: Error>: Error {
    /// The bytes could not be read.
    case source(SourceFailure)
    case aws(AWSFailure)
    /// Worth another try from the beginning: the bytes are not those of the digest, because what they are made of has
    /// changed since, or somebody else aborted the upload.
    case interrupted(String)
    /// The key is taken by other content. The sentence says what to do.
    case taken(String)
}

extension S3Client {
    /// Longer objects go up in parts. S3 would take 5 GiB by one PUT, which is held in memory whole.
    package static let maximumPutBytes: Int64 = 8 * 1024 * 1024
    /// The metadata that holds our own digest: an entity tag is none for an object that came in parts.
    package static let digestMetadata = "s3remedy-sha256"

    /// Stores an object of any length where no other is, in constant memory, encrypted with S3's own keys. Safe to
    /// make again after a crash at any moment: the object that is there already is then found to be the same.
    ///
    /// The bytes are read twice, because the digest goes into the metadata before the first part is sent: once for
    /// `content`, by the caller, and once here. An upload that fails is aborted; one that a crash left behind is
    /// aborted before the next.
    ///
    /// - Parameter next: the bytes in pieces of any length, nil at their end.
    package func uploadOnce<SourceFailure: Error>(
        bucket: String, key: ObjectKey, contentType: String, content: ContentDigest,
        next: @escaping () async throws(SourceFailure) -> [UInt8]?
    ) async throws(UploadFailure<SourceFailure>) -> UploadedObject {
        guard let digest = RunningDigest(.sha256) else {
            preconditionFailure("OpenSSL without SHA-256")
        }
        let upload = ObjectUpload(
            client: self, bucket: bucket, key: key, contentType: contentType, content: content,
            digest: digest, next: next)
        return content.byteCount <= Self.maximumPutBytes
            ? try await upload.put() : try await upload.putParts()
    }
}

/// One object on its way.
private struct ObjectUpload<SourceFailure: Error> {
    typealias Failure = UploadFailure<SourceFailure>

    let client: S3Client
    let bucket: String
    let key: ObjectKey
    let contentType: String
    let content: ContentDigest
    /// Of what was read so far.
    let digest: RunningDigest
    let next: () async throws(SourceFailure) -> [UInt8]?

    private var metadata: [(name: String, value: String)] {
        [(S3Client.digestMetadata, content.sha256)]
    }

    private var name: String { "s3://\(bucket)/\(key.encoded)" }

    func put() async throws(Failure) -> UploadedObject {
        var body: [UInt8] = []
        body.reserveCapacity(Int(content.byteCount))
        while let piece = try await read() { body += piece }
        try checkContent()
        let sent = body
        return try await settle(
            try await calling { () async throws(AWSFailure) in
                try await client.putObject(
                    bucket: bucket, key: key, body: sent, contentType: contentType,
                    metadata: metadata, onlyIfAbsent: true)
            })
    }

    func putParts() async throws(Failure) -> UploadedObject {
        let trouble = try await calling { () async throws(AWSFailure) in try await cleanUp() }
        let upload = try await calling { () async throws(AWSFailure) in
            try await S3Upload.create(
                client, bucket: bucket, key: key, contentType: contentType, metadata: metadata)
        }
        let outcome: PutObjectOutcome
        do throws(Failure) {
            outcome = try await send(upload)
        } catch {
            // Where this fails too, the clean-up before the next upload does it.
            try? await upload.abort()
            throw error
        }
        if outcome == .alreadyExists { try? await upload.abort() }
        var object = try await settle(outcome)
        object.cleanUpTrouble = trouble
        return object
    }

    /// Uploads that a crash left behind. What another try would meet again is no reason not to upload: it is returned.
    private func cleanUp() async throws(AWSFailure) -> AWSFailure? {
        do {
            _ = try await client.abortUnfinishedUploads(bucket: bucket, key: key)
            return nil
        } catch {
            guard case .service(let answer) = error, answer.kind == .permanent else { throw error }
            return error
        }
    }

    private func send(_ started: S3Upload) async throws(Failure) -> PutObjectOutcome {
        var upload = started
        let partBytes = S3MultipartRequest.partBytes(total: content.byteCount)
        var part: [UInt8] = []
        part.reserveCapacity(partBytes)
        while let piece = try await read() {
            var offset = 0
            while offset < piece.count {
                let end = min(piece.count, offset + partBytes - part.count)
                part += piece[offset..<end]
                offset = end
                guard part.count == partBytes else { continue }
                try await append(part, to: &upload)
                part.removeAll(keepingCapacity: true)
            }
        }
        try checkContent()
        if !part.isEmpty { try await append(part, to: &upload) }
        do {
            return try await upload.complete(onlyIfAbsent: true)
        } catch .service(let error) where error.code == "NoSuchUpload" {
            // Its reply was lost, and this is the answer to the second request for it: HEAD tells.
            return .alreadyExists
        } catch {
            throw .aws(error)
        }
    }

    private func append(_ part: [UInt8], to upload: inout S3Upload) async throws(Failure) {
        do {
            try await upload.append(part)
        } catch {
            throw .aws(error)
        }
    }

    /// The next bytes, never more than there should be: an endless source costs no memory.
    private func read() async throws(Failure) -> [UInt8]? {
        let piece: [UInt8]?
        do {
            piece = try await next()
        } catch {
            throw .source(error)
        }
        guard let piece else { return nil }
        digest.update(piece)
        if digest.byteCount > content.byteCount { try checkContent() }
        return piece
    }

    private func checkContent() throws(Failure) {
        let found = ContentDigest(digest)
        guard found == content else {
            throw .interrupted(
                "\(name) was to be \(content.byteCount) bytes (SHA-256 \(content.sha256)), and "
                    + "\(found.byteCount) bytes (\(found.sha256)) came: not stored")
        }
    }

    /// A key that is taken is ours from before a crash if it has our digest.
    private func settle(_ outcome: PutObjectOutcome) async throws(Failure) -> UploadedObject {
        if case .stored(let reply) = outcome {
            return UploadedObject(eTag: reply.eTag, versionID: reply.versionID)
        }
        let head = try await calling { () async throws(AWSFailure) in
            try await client.headObject(bucket: bucket, key: key, versionID: nil)
        }
        guard case .found(let found) = head, let eTag = found.eTag else {
            throw .interrupted("\(name) was there for the upload, and is not for HEAD")
        }
        guard found.metadata[S3Client.digestMetadata] == content.sha256 else {
            throw .taken("\(name) exists with other content: remove it, and start again")
        }
        return UploadedObject(eTag: eTag, versionID: found.versionID, isFromBefore: true)
    }

    private func calling<Value>(
        _ call: () async throws(AWSFailure) -> Value
    ) async throws(Failure) -> Value {
        do {
            return try await call()
        } catch {
            throw .aws(error)
        }
    }
}
