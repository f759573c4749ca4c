/// The exact bytes of an object's key: any bytes are legal, S3 allows up to 1,024.
/// Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
package struct ObjectKey: Hashable, Comparable, Codable, Sendable {
    package var bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    package static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// For reading only: bytes that are not UTF-8 become U+FFFD. `encoded` is exact.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// RFC 3986-encoded with `/` kept: `a b+c%2F` is `a%20b%2Bc%252F`. Exact for every sequence of bytes.
    package var encoded: String { percentEncoded(bytes, keeping: .slash) }

    /// The inverse of `encoded`; nil on an incomplete or malformed escape.
    package init?(encoded text: some StringProtocol) {
        guard let bytes = percentDecoded(text.utf8, plusIsSpace: false) else { return nil }
        self.bytes = bytes
    }

    /// Decodes the key of an S3 event, which is `application/x-www-form-urlencoded` (`+` is a space).
    /// Source: Amazon S3 User Guide, "Event message structure". Nil on a malformed escape.
    package init?(formEncoded bytes: some Sequence<UInt8>) {
        guard let decoded = percentDecoded(bytes, plusIsSpace: true) else { return nil }
        self.bytes = decoded
    }
}

/// Which characters stay as they are beside RFC 3986's unreserved ones.
package enum PercentKeeping: Sendable {
    case nothing
    case slash
}

/// RFC 3986 percent-encoding, section 2.3: `A-Z a-z 0-9 - . _ ~` stay, everything else becomes `%XX` in upper case.
/// Also AWS's `UriEncode` of Signature Version 4.
package func percentEncoded(_ bytes: some Collection<UInt8>, keeping kept: PercentKeeping) -> String
{
    var encoded: [UInt8] = []
    encoded.reserveCapacity(bytes.count + bytes.count / 2)
    // As an array: across modules this function is not specialised, and a byte would cost 20 ns instead of 1.
    appendPercentEncoded(Array(bytes)[...], keeping: kept, to: &encoded)
    return String(decoding: encoded, as: UTF8.self)
}

/// The same, onto the end of `text`.
package func appendPercentEncoded(
    _ bytes: ArraySlice<UInt8>, keeping kept: PercentKeeping, to text: inout [UInt8]
) {
    let span = bytes.span
    var runStart = 0
    for index in span.indices {
        let byte = span[index]
        if isUnreserved(byte) || (byte == UInt8(ascii: "/") && kept == .slash) { continue }
        append(span, runStart..<index, to: &text)
        text.append(UInt8(ascii: "%"))
        text.append(upperHexDigit(byte >> 4))
        text.append(upperHexDigit(byte & 15))
        runStart = index + 1
    }
    append(span, runStart..<span.count, to: &text)
}

private func append(_ span: Span<UInt8>, _ range: Range<Int>, to text: inout [UInt8]) {
    unsafe span.extracting(range).withUnsafeBufferPointer { unsafe text.append(contentsOf: $0) }
}

/// Undoes percent-encoding, byte for byte. Nil when a `%` is not followed by two hexadecimal digits.
package func percentDecoded(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
    let encoded = Array(bytes)  // see percentEncoded
    var decoded: [UInt8] = []
    decoded.reserveCapacity(encoded.count)
    var index = 0
    while index < encoded.count {
        let byte = encoded[index]
        if byte == UInt8(ascii: "%") {
            guard encoded.count - index > 2, let high = hexValue(encoded[index + 1]),
                let low = hexValue(encoded[index + 2])
            else { return nil }
            decoded.append(high << 4 | low)
            index += 3
        } else {
            decoded.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
            index += 1
        }
    }
    return decoded
}

private func isUnreserved(_ byte: UInt8) -> Bool {
    // One bit per ASCII character: a range after the other costs five comparisons for most bytes of most keys.
    let digitsDashAndDot: UInt64 = 0x03FF_6000_0000_0000
    let lettersLowLineAndTilde: UInt64 = 0x47FF_FFFE_87FF_FFFE
    guard byte < 0x80 else { return false }
    let word = byte < 0x40 ? digitsDashAndDot : lettersLowLineAndTilde
    return word & (1 << UInt64(byte & 0x3F)) != 0
}

private func upperHexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
