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
    private var lastKey: [UInt8] = []
    private var lastVersionID: [UInt8] = []
    /// Distinct object versions so far.
    package private(set) var rowCount: Int64 = 0
    /// Bytes of the manifest so far, taken or not.
    package private(set) var byteCount: Int64 = 0

    /// The rows of objects of one bucket: a job's manifest names no other.
    package init(bucket: String) {
        var start: [UInt8] = []
        appendPercentEncoded(Array(bucket.utf8)[...], keeping: .nothing, to: &start)
        rowStart = start + [UInt8(ascii: ",")]
    }

    /// Adds one object version, behind or equal to the last one in the order of (key, version ID), both bytewise.
    /// - Parameter versionID: `null` or empty for the null version.
    package mutating func append(
        key: ObjectKey, versionID: String
    ) throws(ManifestOrderError) {
        try append(key: key.bytes[...], versionID: Array(versionID.utf8)[...])
    }

    /// The same, of bytes: without a string or an array for each row.
    package mutating func append(
        key: ArraySlice<UInt8>, versionID: ArraySlice<UInt8>
    ) throws(ManifestOrderError) {
        let versionID = versionID.isEmpty ? Self.null : versionID
        if rowCount > 0 {
            switch order(key, versionID) {
            case .same: return
            case .before: throw outOfOrder(key, versionID)
            case .behind: break
            }
        }
        let before = buffer.count
        buffer.append(contentsOf: rowStart)
        appendPercentEncoded(key, keeping: .slash, to: &buffer)
        buffer.append(UInt8(ascii: ","))
        appendPercentEncoded(versionID, keeping: .nothing, to: &buffer)
        buffer.append(UInt8(ascii: "\n"))
        byteCount += Int64(buffer.count - before)
        rowCount += 1
        lastKey.removeAll(keepingCapacity: true)
        lastKey.append(contentsOf: key)
        lastVersionID.removeAll(keepingCapacity: true)
        lastVersionID.append(contentsOf: versionID)
    }

    private static let null = Array("null".utf8)[...]

    private enum Order {
        case before
        case same
        case behind
    }

    /// Where this version stands to the last one.
    private func order(_ key: ArraySlice<UInt8>, _ versionID: ArraySlice<UInt8>) -> Order {
        let byKey = compare(lastKey, key)
        return byKey == .same ? compare(lastVersionID, versionID) : byKey
    }

    private func compare(_ last: [UInt8], _ next: ArraySlice<UInt8>) -> Order {
        let last = last.span
        let next = next.span
        for index in 0..<min(last.count, next.count) where next[index] != last[index] {
            return next[index] < last[index] ? .before : .behind
        }
        if last.count == next.count { return .same }
        return next.count < last.count ? .before : .behind
    }

    private func outOfOrder(
        _ key: ArraySlice<UInt8>, _ versionID: ArraySlice<UInt8>
    ) -> ManifestOrderError {
        ManifestOrderError(
            last: sentencePart(lastKey[...], lastVersionID[...]), next: sentencePart(key, versionID)
        )
    }

    private func sentencePart(
        _ key: ArraySlice<UInt8>, _ versionID: ArraySlice<UInt8>
    ) -> String {
        percentEncoded(key, keeping: .slash)
            + " (version \(String(decoding: versionID, as: UTF8.self)))"
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

    package var description: String {
        "the manifest's rows are out of order: \(next) came behind \(last); they are to be read in order of "
            + "key and version"
    }
}
