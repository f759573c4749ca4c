/// A request target split into what routes look at (RFC 9112 section 3.2, RFC 3986).
struct RequestTarget: Equatable {
    /// Percent-encoded.
    let path: String
    /// Percent-encoded, without the question mark; empty when absent.
    let rawQuery: Substring

    /// Takes both the origin form and the absolute form, whose authority means nothing on a Unix socket.
    init(_ target: String) {
        var rest = target[...]
        if rest.hasPrefix("http://") {
            let authority = rest.dropFirst("http://".count)
            rest =
                authority.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
                .map { authority[$0...] } ?? "/"
        }
        let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        path = String(rest[..<mark])
        rawQuery = mark == rest.endIndex ? "" : rest[rest.utf8.index(after: mark)...]
    }

    /// The query's pairs, decoded; nil when an escape is broken or the bytes are not UTF-8.
    func query() -> [(name: String, value: String)]? {
        var pairs: [(name: String, value: String)] = []
        for part in rawQuery.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            guard let name = percentDecoded(part[..<equals], plusIsSpace: true),
                let value = percentDecoded(
                    part[equals...].dropFirst(), plusIsSpace: true)
            else { return nil }
            pairs.append((name, value))
        }
        return pairs
    }
}

/// Nil when an escape is broken or the decoded bytes are not UTF-8.
func percentDecoded(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text.makeIterator()
    while let byte = rest.next() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit)
            else { return nil }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace:
            bytes.append(UInt8(ascii: " "))
        default:
            bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
}
