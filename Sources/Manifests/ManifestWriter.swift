package import Domain

/// Writes the manifest of an S3 Batch Operations job, in memory that does not grow with it: object versions go in in
/// order, chunks of bytes come out.
///
///     bucket "," key "," version LF
///
/// - No header, one bucket, one width of rows, no empty line.
/// - Keys are RFC 3986-encoded with `/` kept (a space is `%20`, a plus `%2B`), so that they mean the same to a reader
///   that takes `+` for a space and to one that does not, and no key can break a row. Bucket and version ID are
///   encoded too: that changes none of AWS's own, and what a forged event calls one stays inside its column.
/// - The null version is the word `null`; an empty version ID fails its task.
/// - A version that comes again is written once: AWS bills a repeated row. The same versions give the same bytes.
///
/// Source: S3 User Guide, "Specifying a manifest".
package struct ManifestWriter: Sendable {
    /// Every row begins with it.
    private let rowStart: [UInt8]
    private var buffer: [UInt8] = []
    private var last: (key: ObjectKey, versionID: String)?
    /// Distinct object versions so far.
    package private(set) var rowCount: Int64 = 0
    /// Bytes of the manifest so far, taken or not.
    package private(set) var byteCount: Int64 = 0

    /// The rows of objects of one bucket: a job's manifest names no other.
    package init(bucket: String) {
        var start: [UInt8] = []
        appendPercentEncoded(Array(bucket.utf8), keeping: .nothing, to: &start)
        rowStart = start + [UInt8(ascii: ",")]
    }

    /// Adds one object version, behind or equal to the last one in the order of (key, version ID), both bytewise.
    /// - Parameter versionID: `null` or empty for the null version.
    package mutating func append(
        key: ObjectKey, versionID: String
    ) throws(ManifestOrderError) {
        let versionID = versionID.isEmpty ? "null" : versionID
        if let last {
            if last.key == key {
                // Bytewise: Swift's `==` takes different spellings of one text for the same.
                if last.versionID.utf8.elementsEqual(versionID.utf8) { return }
                guard last.versionID.utf8.lexicographicallyPrecedes(versionID.utf8) else {
                    throw ManifestOrderError(last: last, next: (key, versionID))
                }
            } else if key < last.key {
                throw ManifestOrderError(last: last, next: (key, versionID))
            }
        }
        let before = buffer.count
        buffer.append(contentsOf: rowStart)
        appendPercentEncoded(key.bytes, keeping: .slash, to: &buffer)
        buffer.append(UInt8(ascii: ","))
        appendPercentEncoded(Array(versionID.utf8), keeping: .nothing, to: &buffer)
        buffer.append(UInt8(ascii: "\n"))
        byteCount += Int64(buffer.count - before)
        rowCount += 1
        last = (key, versionID)
    }

    /// The bytes since the last chunk, once there are `minimum` of them; nil before. With 0 the rest, behind the last
    /// row; nil when there is none.
    package mutating func takeChunk(atLeast minimum: Int) -> [UInt8]? {
        guard buffer.count >= max(1, minimum) else { return nil }
        let chunk = buffer
        buffer = []
        buffer.reserveCapacity(minimum + minimum / 8)
        return chunk
    }
}

/// Object versions came in another order than the manifest's.
package struct ManifestOrderError: Error, Sendable, CustomStringConvertible {
    /// Encoded keys with their version IDs.
    package let last: String
    package let next: String

    init(
        last: (key: ObjectKey, versionID: String), next: (key: ObjectKey, versionID: String)
    ) {
        self.last = "\(last.key.encoded) (version \(last.versionID))"
        self.next = "\(next.key.encoded) (version \(next.versionID))"
    }

    package var description: String {
        "the manifest's rows are out of order: \(next) came behind \(last); they are to be read in order of "
            + "key and version"
    }
}
