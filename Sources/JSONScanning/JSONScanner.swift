/// A pull scanner over the UTF-8 bytes of one JSON document: RFC 8259, strict. Everything that it passes is validated,
/// also what is skipped, and no memory is taken per token: a value is a place in `bytes`.
///
///     while let name = try scanner.nextMember() {
///         switch name {
///         case "Body": try scanner.read(into: &body)
///         default: try scanner.skipValue()
///         }
///     }
///
/// Errors are about the JSON alone: a value of another type than hoped for is still scanned, so that a reader can go
/// on behind it. A scanner that has thrown stands where it failed and is of no further use.
package struct JSONScanner {
    /// Containers inside each other, the outermost included.
    package static let maximumDepth = 64

    package let bytes: [UInt8]
    /// Byte offset of what comes next.
    package internal(set) var position = 0
    private var depth = 0
    /// One bit per open container, the innermost lowest: 1 is an object.
    private var objectBits: UInt64 = 0
    /// Whether the innermost open container holds a value already, so that a comma must come next.
    private var needsComma = false

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The kind of the value that comes next, told by its first byte.
    package mutating func nextKind() throws(JSONError) -> JSONKind {
        switch try nextByte() {
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case let byte: throw failure(.unexpectedByte(byte, expected: .value))
        }
    }

    package mutating func beginObject() throws(JSONError) {
        try begin(UInt8(ascii: "{"), isObject: true, expected: .object)
    }

    package mutating func beginArray() throws(JSONError) {
        try begin(UInt8(ascii: "["), isObject: false, expected: .array)
    }

    /// The next member's name, with its value next; nil behind the object's end.
    package mutating func nextMember() throws(JSONError) -> JSONName? {
        guard let value = try takeMemberName() else { return nil }
        return JSONName(bytes: bytes, value: value)
    }

    /// Whether the array has another element, which is next; false behind the array's end.
    package mutating func nextElement() throws(JSONError) -> Bool {
        let byte = try nextByte()
        if byte == UInt8(ascii: "]") {
            end()
            return false
        }
        if needsComma {
            guard byte == UInt8(ascii: ",") else {
                throw failure(.unexpectedByte(byte, expected: .nextElement))
            }
            position += 1
            guard try nextByte() != UInt8(ascii: "]") else {
                throw failure(.unexpectedByte(UInt8(ascii: "]"), expected: .value))
            }
        }
        return true
    }

    /// Takes the next value, whatever it is.
    package mutating func value() throws(JSONError) -> JSONValue {
        let kind = try nextKind()
        let start = position
        switch kind {
        case .object, .array:
            try skipContainer(kind)
            return JSONValue(kind: kind, range: start..<position, hasEscapes: false)
        default: return try takeScalar(kind)
        }
    }

    package mutating func skipValue() throws(JSONError) {
        let kind = try nextKind()
        switch kind {
        case .object, .array: try skipContainer(kind)
        default: _ = try takeScalar(kind)
        }
    }

    /// Refuses anything but white space behind the document.
    package mutating func finish() throws(JSONError) {
        skipWhiteSpace()
        guard position == bytes.count else { throw failure(.trailingBytes) }
    }

    /// White space before the next token is passed.
    @inline(__always)
    private mutating func nextByte() throws(JSONError) -> UInt8 {
        if position < bytes.count, bytes[position] > 0x20 { return bytes[position] }
        skipWhiteSpace()
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        return bytes[position]
    }

    private mutating func skipWhiteSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func begin(
        _ opening: UInt8, isObject: Bool, expected: JSONError.Expectation
    ) throws(JSONError) {
        let byte = try nextByte()
        guard byte == opening else { throw failure(.unexpectedByte(byte, expected: expected)) }
        guard depth < Self.maximumDepth else { throw failure(.tooDeep) }
        position += 1
        depth += 1
        objectBits = objectBits << 1 | (isObject ? 1 : 0)
        needsComma = false
    }

    private mutating func end() {
        position += 1
        depth -= 1
        objectBits >>= 1
        needsComma = true
    }

    private mutating func takeMemberName() throws(JSONError) -> JSONValue? {
        var byte = try nextByte()
        if byte == UInt8(ascii: "}") {
            end()
            return nil
        }
        if needsComma {
            guard byte == UInt8(ascii: ",") else {
                throw failure(.unexpectedByte(byte, expected: .nextMember))
            }
            position += 1
            byte = try nextByte()
        }
        guard byte == UInt8(ascii: "\"") else {
            throw failure(
                .unexpectedByte(byte, expected: needsComma ? .memberName : .firstMember))
        }
        let name = try takeString()
        byte = try nextByte()
        guard byte == UInt8(ascii: ":") else {
            throw failure(.unexpectedByte(byte, expected: .colon))
        }
        position += 1
        return name
    }

    /// `position` is the value's first byte, which told its kind.
    private mutating func takeScalar(_ kind: JSONKind) throws(JSONError) -> JSONValue {
        needsComma = true
        if kind == .string { return try takeString() }
        let start = position
        switch kind {
        case .number: try passNumber()
        case .null: try passLiteral("null")
        default: try passLiteral(bytes[position] == UInt8(ascii: "t") ? "true" : "false")
        }
        return JSONValue(kind: kind, range: start..<position, hasEscapes: false)
    }

    private mutating func passLiteral(_ literal: StaticString) throws(JSONError) {
        let end = position + literal.utf8CodeUnitCount
        guard end <= bytes.count else { throw failure(.unexpectedEnd) }
        guard equal(bytes, position..<end, literal) else {
            throw failure(.unexpectedByte(bytes[position], expected: .literal))
        }
        position = end
    }

    /// Without recursion: what is open is known from `objectBits`, so a hostile document costs no stack.
    private mutating func skipContainer(_ kind: JSONKind) throws(JSONError) {
        let outerDepth = depth
        try kind == .object ? beginObject() : beginArray()
        while depth > outerDepth {
            let hasValue = try objectBits & 1 == 1 ? takeMemberName() != nil : nextElement()
            guard hasValue else { continue }
            let kind = try nextKind()
            switch kind {
            case .object: try beginObject()
            case .array: try beginArray()
            default: _ = try takeScalar(kind)
            }
        }
    }

    func failure(_ kind: JSONError.Kind) -> JSONError {
        JSONError(kind: kind, offset: position)
    }
}
