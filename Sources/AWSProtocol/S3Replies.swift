package import Domain

/// What PutObject answered.
package struct PutObjectReply: Hashable, Sendable {
    /// Without quotes, as CreateJob wants it.
    package var eTag: String
    /// Nil in a bucket without versioning.
    package var versionID: String?

    package init(eTag: String, versionID: String?) {
        self.eTag = eTag
        self.versionID = versionID
    }

    package init(_ reply: AWSReply) throws(UnreadableReply) {
        guard let eTag = reply.header("etag") else { throw UnreadableReply("no ETag header") }
        self.init(eTag: eTag.unquoted, versionID: reply.header("x-amz-version-id"))
    }
}

/// What HEAD says of one object version.
package struct ObjectHead: Hashable, Sendable {
    /// When S3 answered, by its clock: the evidence time.
    package var date: Timestamp
    /// `x-amz-replication-status`, verbatim; nil without the header.
    package var replicationStatus: String?
    /// Bytes.
    package var size: Int64?
    /// Without quotes.
    package var eTag: String?
    /// Nil for STANDARD.
    package var storageClass: String?
    /// `x-amz-archive-status`: ARCHIVE_ACCESS or DEEP_ARCHIVE_ACCESS of Intelligent-Tiering.
    package var archiveStatus: String?
    /// `x-amz-restore`, verbatim: `ongoing-request="false", …` while a restored copy exists.
    package var restore: String?
    package var versionID: String?
    /// By lower-case name, without `x-amz-meta-`.
    package var metadata: [String: String]

    package init(_ reply: AWSReply) throws(UnreadableReply) {
        date = try requiredDate(reply)
        replicationStatus = reply.header("x-amz-replication-status")
        size = reply.header("content-length").flatMap(Int64.init)
        eTag = reply.header("etag")?.unquoted
        storageClass = reply.header("x-amz-storage-class")
        archiveStatus = reply.header("x-amz-archive-status")
        restore = reply.header("x-amz-restore")
        versionID = reply.header("x-amz-version-id")
        metadata = [:]
        for (name, value) in reply.headers where name.lowercased().hasPrefix("x-amz-meta-") {
            metadata[String(name.lowercased().dropFirst("x-amz-meta-".utf8.count))] = value
        }
    }
}

/// The answers to HEAD that say something about the object version. All others are errors.
package enum HeadObjectOutcome: Hashable, Sendable {
    case found(ObjectHead)
    /// 404: no such version, key or bucket; which of them, HEAD does not say.
    case absent(date: Timestamp)
    /// 405: the version is a delete marker.
    case deleteMarker(date: Timestamp)
    /// 400, explained by a GET: the customer's key (SSE-C) would be needed.
    case customerKeyNeeded(date: Timestamp)

    /// Reads 2xx, 404 and 405.
    package init(_ reply: AWSReply) throws(UnreadableReply) {
        switch reply.status {
        case 404: self = .absent(date: try requiredDate(reply))
        case 405: self = .deleteMarker(date: try requiredDate(reply))
        default: self = .found(try ObjectHead(reply))
        }
    }
}

/// A piece of an object, as GetObject with a range answers it.
package struct ObjectPiece: Hashable, Sendable {
    package var bytes: [UInt8]
    /// Of the whole object.
    package var objectBytes: Int64
    /// Without quotes; absent behind the end of the object.
    package var eTag: String?

    /// Reads 206, 416 (the offset is the end or behind it) and, for offset 0, 200.
    package init(_ reply: AWSReply, offset: Int64) throws(UnreadableReply) {
        eTag = reply.header("etag")?.unquoted
        if reply.status == 200 && offset == 0 {
            bytes = reply.body
            objectBytes = Int64(bytes.count)
            return
        }
        // `bytes 0-9/100`, or `bytes */100` with 416.
        let range = reply.header("content-range") ?? ""
        let parts = range.split { " -/".contains($0) }
        guard parts.first == "bytes", let total = parts.last.flatMap({ Int64($0) }), total >= 0
        else { throw UnreadableReply("Content-Range is \(range.prefix(100))") }
        objectBytes = total
        bytes = reply.status == 206 ? reply.body : []
        guard reply.status == 416 || (parts.count == 4 && Int64(parts[1]) == offset),
            Int64(bytes.count) <= total - min(offset, total)
        else { throw UnreadableReply("Content-Range is \(range.prefix(100)) at \(offset)") }
    }
}

/// One page of ListObjectVersions; versions and delete markers alike.
package struct ObjectVersionPage: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var key: ObjectKey
        package var versionID: String
        package var isDeleteMarker: Bool
    }

    package var entries: [Entry]
    /// The keys came URL-encoded, as asked. Without it XML has changed those with control characters.
    package var hasExactKeys: Bool
    /// Where the next page begins; nil on the last.
    package var nextKey: ObjectKey?
    package var nextVersionID: String?

    package init(_ reply: AWSReply) throws(UnreadableReply) {
        let root = try reply.xml("ListVersionsResult")
        let isEncoded = root.text("EncodingType") == "url"
        hasExactKeys = isEncoded
        entries = []
        for child in root.children where child.name == "Version" || child.name == "DeleteMarker" {
            entries.append(
                Entry(
                    key: try listedKey(try child.required("Key"), isEncoded: isEncoded),
                    versionID: try child.required("VersionId"),
                    isDeleteMarker: child.name == "DeleteMarker"))
        }
        guard try root.required("IsTruncated") == "true" else { return }
        nextKey = try listedKey(try root.required("NextKeyMarker"), isEncoded: isEncoded)
        nextVersionID = try root.required("NextVersionIdMarker")
    }
}

/// One rule of a bucket's replication configuration.
package struct ReplicationRule: Hashable, Sendable {
    package var id: String
    package var isEnabled: Bool
    /// The bare name; S3 sends an ARN.
    package var destinationBucket: String
    /// The rule is for a prefix or for tags, not for the whole bucket.
    package var hasFilter: Bool
    /// Without metrics S3 sends no failure events.
    package var sendsMetrics: Bool

    /// All rules of GetBucketReplication's reply.
    package static func parse(_ reply: AWSReply) throws(UnreadableReply) -> [ReplicationRule] {
        var rules: [ReplicationRule] = []
        for rule in try reply.xml("ReplicationConfiguration").all("Rule") {
            let arn = try rule.required("Destination", "Bucket")
            let isWholeBucket = rule["Filter"].map(matchesAll) ?? true
            rules.append(
                ReplicationRule(
                    id: rule.text("ID") ?? "", isEnabled: try rule.required("Status") == "Enabled",
                    destinationBucket: String(arn.split(separator: ":").last ?? ""),
                    hasFilter: !isWholeBucket || !(rule.text("Prefix") ?? "").isEmpty,
                    sendsMetrics: rule.text("Destination", "Metrics", "Status") == "Enabled"))
        }
        return rules
    }
}

/// `<Filter/>` and `<Filter><Prefix></Prefix></Filter>` are both the whole bucket.
private func matchesAll(_ filter: XMLElement) -> Bool {
    filter.children.allSatisfy { $0.name == "Prefix" && $0.text.isEmpty }
}

private func requiredDate(_ reply: AWSReply) throws(UnreadableReply) -> Timestamp {
    guard let date = reply.date else {
        throw UnreadableReply("no Date header to take the evidence time from")
    }
    return date
}

/// A key as a list shows it, URL-encoded where that was asked for and done.
func listedKey(_ text: String, isEncoded: Bool) throws(UnreadableReply) -> ObjectKey {
    guard isEncoded else { return ObjectKey(text) }
    guard let key = ObjectKey(formEncoded: text.utf8) else {
        throw UnreadableReply("the key \(text.prefix(200)) is not URL-encoded")
    }
    return key
}
