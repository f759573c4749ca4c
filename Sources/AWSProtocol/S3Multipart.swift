package import Domain

/// The requests of a multipart upload, for objects too large for one PutObject: parts of 5 MiB and more (the last
/// may be shorter), at most 10,000. Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
package enum S3MultipartRequest: Sendable {
    /// One uploaded part.
    package struct Part: Hashable, Sendable {
        /// From 1.
        package var number: Int
        /// Without quotes.
        package var eTag: String

        package init(number: Int, eTag: String) {
            self.number = number
            self.eTag = eTag
        }
    }

    case create(contentType: String, metadata: [(name: String, value: String)])
    case uploadPart(uploadID: String, number: Int, body: [UInt8])
    case complete(uploadID: String, parts: [Part], onlyIfAbsent: Bool)
    case abort(uploadID: String)

    package static let maximumParts = 10_000

    /// Bytes of each part but the last, so that as few as possible are in memory and S3's limits hold.
    /// - Parameter total: of the object.
    package static func partBytes(total: Int64) -> Int {
        let unit: Int64 = 1024 * 1024
        let least = (total + Int64(maximumParts) - 1) / Int64(maximumParts)
        return Int(max(8 * unit, (least + unit - 1) / unit * unit))
    }

    package func wire(bucket: String, key: ObjectKey, at endpoint: AWSEndpoint) -> AWSRequest {
        switch self {
        case .create(let contentType, let metadata):
            return s3Request(
                "CreateMultipartUpload", "POST", endpoint, bucket, key, query: [("uploads", "")],
                headers: newObjectHeaders(contentType: contentType, metadata: metadata))
        case .uploadPart(let id, let number, let body):
            return s3Request(
                "UploadPart", "PUT", endpoint, bucket, key,
                query: [("partNumber", "\(number)"), ("uploadId", id)], body: body)
        case .complete(let id, let parts, let onlyIfAbsent):
            return s3Request(
                "CompleteMultipartUpload", "POST", endpoint, bucket, key, query: [("uploadId", id)],
                headers: [("content-type", "application/xml")]
                    + (onlyIfAbsent ? [("if-none-match", "*")] : []),
                body: completion(parts))
        case .abort(let id):
            return s3Request(
                "AbortMultipartUpload", "DELETE", endpoint, bucket, key, query: [("uploadId", id)])
        }
    }
}

private func completion(_ parts: [S3MultipartRequest.Part]) -> [UInt8] {
    let list = parts.map {
        "<Part><ETag>\(xmlEscaped("\"\($0.eTag)\""))</ETag><PartNumber>\($0.number)</PartNumber></Part>"
    }
    let space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return Array(
        "<CompleteMultipartUpload xmlns=\"\(space)\">\(list.joined())</CompleteMultipartUpload>"
            .utf8)
}

extension PutObjectReply {
    /// CompleteMultipartUpload's reply: the entity tag is in the body.
    package static func completed(_ reply: AWSReply) throws(UnreadableReply) -> PutObjectReply {
        let root = try reply.xml("CompleteMultipartUploadResult")
        return PutObjectReply(
            eTag: try root.required("ETag").unquoted, versionID: reply.header("x-amz-version-id"))
    }
}

/// One page of ListMultipartUploads: uploads that were begun and neither completed nor aborted.
package struct MultipartUploadPage: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var key: ObjectKey
        package var uploadID: String
    }

    package var entries: [Entry]
    /// Where the next page begins; nil on the last.
    package var nextKey: ObjectKey?
    package var nextUploadID: String?

    package init(_ reply: AWSReply) throws(UnreadableReply) {
        let root = try reply.xml("ListMultipartUploadsResult")
        let isEncoded = root.text("EncodingType") == "url"
        entries = []
        for upload in root.all("Upload") {
            entries.append(
                Entry(
                    key: try listedKey(try upload.required("Key"), isEncoded: isEncoded),
                    uploadID: try upload.required("UploadId")))
        }
        guard root.text("IsTruncated") == "true" else { return }
        nextKey = try listedKey(try root.required("NextKeyMarker"), isEncoded: isEncoded)
        nextUploadID = try root.required("NextUploadIdMarker")
    }
}

extension AWSReply {
    /// CreateMultipartUpload's reply: the upload's ID.
    package func uploadID() throws(UnreadableReply) -> String {
        try xml("InitiateMultipartUploadResult").required("UploadId")
    }

    /// S3 may find out that it cannot complete an upload after it has sent status 200.
    /// Source: Amazon S3 API Reference, "CompleteMultipartUpload".
    package var isErrorInSuccess: Bool {
        (try? XMLElement(parsing: body))?.name == "Error"
    }
}
