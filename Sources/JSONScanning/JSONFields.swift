// Reading members into fields, and taking what a value holds.

extension JSONScanner {
    /// Takes the next value into `field`. A second value is passed and only remembered.
    package mutating func read(into field: inout JSONField) throws(JSONError) {
        _ = try nextKind()
        let start = position
        let value = try value()
        if field.value == nil {
            field.value = value
        } else {
            field.repeatedAt = field.repeatedAt ?? start
        }
    }

    /// Steps into the next value when it is a container of this kind and `field` has none yet, whose members or
    /// elements are then next. False when the value was taken as by `read(into:)`.
    package mutating func enter(
        _ kind: JSONKind, _ field: inout JSONField
    ) throws(JSONError) -> Bool {
        guard try nextKind() == kind, field.value == nil else {
            try read(into: &field)
            return false
        }
        // The end is not known yet; the opening bracket is place enough for an error.
        field.value = JSONValue(
            kind: kind, range: position..<position + 1, hasEscapes: false)
        if kind == .object { try beginObject() } else { try beginArray() }
        return true
    }

    /// A string's contents, exactly. For any other kind the bytes as they stand.
    package func contents(_ value: JSONValue) -> [UInt8] {
        value.hasEscapes ? unescaped(bytes, value.range) : Array(bytes[value.range])
    }

    /// A string's contents. For any other kind its bytes as they stand.
    package func text(_ value: JSONValue) -> String {
        value.hasEscapes
            ? String(decoding: unescaped(bytes, value.range), as: UTF8.self)
            : String(decoding: bytes[value.range], as: UTF8.self)
    }

    /// A member's name.
    package func text(_ name: JSONName) -> String { text(name.value) }

    /// A number that is written as an integer and fits Int64; nil for anything else, also for `1.0` and `1e3`.
    package func integer(_ value: JSONValue) -> Int64? {
        guard value.kind == .number else { return nil }
        return Int64(String(decoding: bytes[value.range], as: UTF8.self))
    }
}

extension JSONScanner {
    /// RFC 8259, section 6.
    mutating func passNumber() throws(JSONError) {
        let start = position
        if peek() == UInt8(ascii: "-") { position += 1 }
        if peek() == UInt8(ascii: "0") {
            position += 1
            if let byte = peek(), isDigit(byte) {
                throw JSONError(kind: .invalidNumber, offset: start)
            }
        } else {
            try passDigits(of: start)
        }
        if peek() == UInt8(ascii: ".") {
            position += 1
            try passDigits(of: start)
        }
        if let byte = peek(), byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            position += 1
            if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                position += 1
            }
            try passDigits(of: start)
        }
    }

    private mutating func passDigits(of start: Int) throws(JSONError) {
        guard let first = peek() else { throw failure(.unexpectedEnd) }
        guard isDigit(first) else { throw JSONError(kind: .invalidNumber, offset: start) }
        while let byte = peek(), isDigit(byte) { position += 1 }
    }

    private func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }
}

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
