package import Domain

/// Writes the manifest of an S3 Batch Operations job: CSV with the columns Bucket, Key and VersionId, no header.
///
/// - Keys are RFC 3986-encoded with `/` kept (a space is `%20`, a plus `%2B`), so that they mean the same to a reader
///   that takes `+` for a space and to one that does not, and no key can break a row.
/// - The null version is the word `null`; an empty version ID fails its task.
/// - Rows are unique and in order of key and version: the same failures give the same bytes.
///
/// Source: S3 User Guide, "Specifying a manifest"; AWS bills a repeated row again.
package struct ManifestWriter: Sendable {
    private let bucket: String
    private var rows: Set<String> = []
    /// Bytes of the manifest so far.
    package private(set) var byteCount = 0

    /// The rows of objects of one bucket: a job's manifest names no other.
    package init(bucket: String) {
        self.bucket = bucket
    }

    /// Distinct object versions so far.
    package var rowCount: Int { rows.count }

    package mutating func add(key: ObjectKey, versionID: String) {
        let version = versionID.isEmpty ? "null" : versionID
        let row = "\(bucket),\(key.encoded),\(percentEncoded(version.utf8, keeping: .nothing))\n"
        if rows.insert(row).inserted { byteCount += row.utf8.count }
    }

    /// The manifest as it is uploaded.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(byteCount)
        for row in rows.sorted() { result += row.utf8 }
        return result
    }
}
