internal import AWSProtocol
package import Domain

/// Why an object cannot be read to its end.
package enum ObjectStreamFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case aws(AWSFailure)
    /// The bytes have another MD5 than they should.
    case damaged(String)

    package var description: String {
        switch self {
        case .aws(let failure): "\(failure)"
        case .damaged(let sentence): sentence
        }
    }
}

/// An object of any length, read piece by piece in constant memory, and only if its bytes have the MD5 that they
/// should: nothing of a damaged object is handed out. Not Sendable, like its client.
///
///     var stream = try await S3ObjectStream.open(client, bucket: bucket, key: key, md5: md5)
///     while let piece = try await stream.next() { … }
package final class S3ObjectStream {
    package static let pieceBytes = 4 * 1024 * 1024

    private let source: Source
    private let digest: RunningDigest
    /// The first piece came when the stream was opened.
    private var first: [UInt8]?
    /// Bytes that were handed out.
    package private(set) var offset: Int64 = 0

    /// Bytes of the whole object.
    package var objectBytes: Int64 { source.objectBytes }

    /// An entity tag that *is* the MD5, as that of an object that was put whole and not encrypted with a KMS key, is
    /// S3's word for the content. Any other costs one reading of the object before the one that hands it out.
    /// Source: Amazon S3 API Reference, "Object".
    /// - Parameter md5: 32 lower-case hexadecimal digits.
    package static func open(
        _ client: S3Client, bucket: String, key: ObjectKey, md5: String,
        pieceBytes: Int = pieceBytes
    ) async throws(ObjectStreamFailure) -> S3ObjectStream {
        let piece: ObjectPiece
        do {
            piece = try await client.getObjectPiece(
                bucket: bucket, key: key, offset: 0, maximumBytes: pieceBytes, ifMatch: nil)
        } catch {
            throw .aws(error)
        }
        let source = Source(
            client: client, bucket: bucket, key: key, md5: md5, pieceBytes: pieceBytes,
            eTag: piece.eTag, objectBytes: piece.objectBytes)
        if piece.eTag != md5 {
            let rehearsal = try S3ObjectStream(source, first: piece.bytes)
            while try await rehearsal.next() != nil {}
        }
        return try S3ObjectStream(source, first: piece.bytes)
    }

    private init(_ source: Source, first: [UInt8]) throws(ObjectStreamFailure) {
        guard let digest = RunningDigest(.md5) else {
            throw .damaged(
                "\(source.name) cannot be checked: OpenSSL of this host has no MD5, not even for what is no "
                    + "security: load its default provider")
        }
        self.source = source
        self.digest = digest
        self.first = first
    }

    /// The next piece; nil at the end.
    package func next() async throws(ObjectStreamFailure) -> [UInt8]? {
        guard offset < source.objectBytes else {
            try source.check(digest)
            return nil
        }
        let piece: [UInt8]
        if let first {
            piece = first
            self.first = nil
        } else {
            piece = try await source.piece(at: offset)
        }
        digest.update(piece)
        offset += Int64(piece.count)
        return piece
    }

    /// One state of one object: every piece is of the object that had this entity tag when it was opened.
    private struct Source {
        var client: S3Client
        var bucket: String
        var key: ObjectKey
        var md5: String
        var pieceBytes: Int
        var eTag: String?
        var objectBytes: Int64

        var name: String { "s3://\(bucket)/\(key.encoded)" }

        func piece(at offset: Int64) async throws(ObjectStreamFailure) -> [UInt8] {
            let piece: ObjectPiece
            do {
                piece = try await client.getObjectPiece(
                    bucket: bucket, key: key, offset: offset, maximumBytes: pieceBytes,
                    ifMatch: eTag)
            } catch {
                throw .aws(error)
            }
            guard !piece.bytes.isEmpty, piece.objectBytes == objectBytes else {
                throw .damaged("\(name) changed while it was read")
            }
            return piece.bytes
        }

        func check(_ digest: RunningDigest) throws(ObjectStreamFailure) {
            let found = digest.hexadecimalDigest()
            guard found == md5 else {
                throw .damaged("\(name) has the MD5 \(found) instead of \(md5)")
            }
        }
    }
}
