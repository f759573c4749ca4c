package enum JSONKind: Sendable {
    case object, array, string, number, boolean, null
}

/// One value, as its place in the scanner's bytes. Scanned means valid: contents can be taken without errors.
package struct JSONValue: Sendable {
    package let kind: JSONKind
    /// A string's contents without its quotes; all bytes of any other value.
    package let range: Range<Int>
    package let hasEscapes: Bool
}

/// A member that a reader takes from an object: empty until read, and it remembers a second appearance, because
/// which of two values a sender meant cannot be known.
package struct JSONField: Sendable {
    package internal(set) var value: JSONValue?
    /// Byte offset of the second value.
    package internal(set) var repeatedAt: Int?

    package init() {}
}

/// A member's name: compare it with literals in a `switch`. The name is compared after its escapes.
package struct JSONName {
    let bytes: [UInt8]
    let value: JSONValue

    package static func ~= (literal: StaticString, name: JSONName) -> Bool {
        name.value.hasEscapes
            ? equal(unescaped(name.bytes, name.value.range), literal)
            : equal(name.bytes, name.value.range, literal)
    }

    package var text: String {
        String(decoding: unescaped(bytes, value.range), as: UTF8.self)
    }
}

private func equal(_ bytes: [UInt8], _ literal: StaticString) -> Bool {
    equal(bytes, bytes.startIndex..<bytes.endIndex, literal)
}
