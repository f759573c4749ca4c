/// Why bytes are not the JSON that was expected, and where.
package struct JSONError: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The bytes end inside a value.
        case unexpectedEnd
        case unexpectedByte(UInt8, expected: Expectation)
        /// More than `JSONScanner.maximumDepth` containers inside each other.
        case tooDeep
        case controlCharacterInString(UInt8)
        case invalidEscape
        /// Half a UTF-16 surrogate pair: no character, so no UTF-8 either.
        case loneSurrogate
        case invalidUTF8
        case invalidNumber
        /// Something other than white space follows the document.
        case trailingBytes
    }

    package enum Expectation: String, Hashable, Sendable {
        case value = "a value"
        case object = "an object"
        case array = "an array"
        case memberName = "a member's name in double quotes"
        case firstMember = "a member's name in double quotes or `}`"
        case colon = "`:` after a member's name"
        case nextMember = "`,` or `}`"
        case nextElement = "`,` or `]`"
        case literal = "`true`, `false` or `null`"
    }

    package let kind: Kind
    /// Bytes from the start of the document.
    package let offset: Int

    package init(kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    /// A sentence without a full stop, such as "expected a value, found `}` at byte 12".
    package var description: String { "\(reason) at byte \(offset)" }

    private var reason: String {
        switch kind {
        case .unexpectedEnd: "the JSON ends inside a value"
        case .unexpectedByte(let byte, let expected):
            "expected \(expected.rawValue), found \(shown(byte))"
        case .tooDeep: "more than \(JSONScanner.maximumDepth) arrays and objects inside each other"
        case .controlCharacterInString(let byte):
            "the unescaped control character \(shown(byte)) in a string"
        case .invalidEscape:
            #"expected `\` and one of `"\/bfnrt`, or `\u` and four hexadecimal digits,"#
        case .loneSurrogate: "half of a UTF-16 surrogate pair, which is no character,"
        case .invalidUTF8: "bytes that are not UTF-8"
        case .invalidNumber: "expected a JSON number (no leading zero, `+`, or bare point)"
        case .trailingBytes: "expected nothing but white space behind the JSON document"
        }
    }

    private func shown(_ byte: UInt8) -> String {
        if (0x21...0x7E).contains(byte) { return "`\(Unicode.Scalar(byte))`" }
        let digits = String(byte, radix: 16, uppercase: true)
        return "the byte 0x" + (byte < 16 ? "0" : "") + digits
    }
}
