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

/// A member's name: compare it with literals of at most 32 bytes in a `switch`. The name is compared after its escapes.
package struct JSONName: Sendable {
    let value: JSONValue
    private let head: NameHead?
    /// Bytes, after the escapes.
    package let length: Int

    init(bytes: [UInt8], value: JSONValue) {
        self.value = value
        let name = value.hasEscapes ? unescaped(bytes, value.range) : []
        length = value.hasEscapes ? name.count : value.range.count
        if length > NameHead.size {
            head = nil
        } else {
            head = value.hasEscapes ? NameHead(name, 0..<length) : NameHead(bytes, value.range)
        }
    }

    /// Most names of a `switch` differ in length already: that is told where the `switch` stands.
    @inlinable
    @inline(__always)
    package static func ~= (literal: StaticString, name: JSONName) -> Bool {
        name.length == literal.utf8CodeUnitCount && name.equals(literal)
    }

    package func equals(_ literal: StaticString) -> Bool {
        precondition(literal.utf8CodeUnitCount <= NameHead.size)
        return head?.equals(literal, length: length) ?? false
    }
}
