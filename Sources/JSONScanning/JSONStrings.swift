// Strings: RFC 8259, section 7, and RFC 3629 for what is not ASCII.

private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")

extension JSONScanner {
    /// Takes a string at `position`, which is its opening quote.
    mutating func takeString() throws(JSONError) -> JSONValue {
        let start = position + 1
        var hasEscapes = false
        position = start
        while true {
            position = endOfSimpleContent(bytes, from: position, hasEscapes: &hasEscapes)
            guard position < bytes.count else { throw failure(.unexpectedEnd) }
            switch bytes[position] {
            case quote:
                position += 1
                return JSONValue(
                    kind: .string, range: start..<position - 1, hasEscapes: hasEscapes)
            case backslash:
                hasEscapes = true
                try passEscape()
            case 0..<0x20: throw failure(.controlCharacterInString(bytes[position]))
            default: try passUTF8Sequence()
            }
        }
    }

    /// Passes an escape of UTF-16; those of two bytes are passed already.
    private mutating func passEscape() throws(JSONError) {
        guard position + 1 < bytes.count else {
            throw JSONError(kind: .unexpectedEnd, offset: bytes.count)
        }
        guard bytes[position + 1] == UInt8(ascii: "u") else { throw failure(.invalidEscape) }
        guard let unit = utf16Unit(bytes, at: position) else {
            throw failure(bytes.count - position < 6 ? .unexpectedEnd : .invalidEscape)
        }
        if isHighSurrogate(unit) {
            guard let low = utf16Unit(bytes, at: position + 6), isLowSurrogate(low) else {
                throw failure(.loneSurrogate)
            }
            position += 12
        } else if isLowSurrogate(unit) {
            throw failure(.loneSurrogate)
        } else {
            position += 6
        }
    }

    /// Passes one well-formed sequence: shortest form, no surrogates, at most U+10FFFF (RFC 3629, section 4).
    private mutating func passUTF8Sequence() throws(JSONError) {
        let second: ClosedRange<UInt8>
        let length: Int
        switch bytes[position] {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: throw failure(.invalidUTF8)
        }
        for index in 1..<length {
            guard position + index < bytes.count else { throw failure(.unexpectedEnd) }
            let allowed = index == 1 ? second : 0x80...0xBF
            guard allowed.contains(bytes[position + index]) else { throw failure(.invalidUTF8) }
        }
        position += length
    }
}

/// The scalar of a valid escape at `index`, and how many bytes the escape takes.
func decodedEscape(_ bytes: [UInt8], at index: Int) -> (scalar: Unicode.Scalar, length: Int) {
    switch bytes[index + 1] {
    case UInt8(ascii: "b"): return ("\u{8}", 2)
    case UInt8(ascii: "f"): return ("\u{C}", 2)
    case UInt8(ascii: "n"): return ("\n", 2)
    case UInt8(ascii: "r"): return ("\r", 2)
    case UInt8(ascii: "t"): return ("\t", 2)
    case UInt8(ascii: "u"):
        let unit = utf16Unit(bytes, at: index) ?? 0xFFFD
        guard isHighSurrogate(unit), let low = utf16Unit(bytes, at: index + 6) else {
            return (Unicode.Scalar(unit) ?? "\u{FFFD}", 6)
        }
        let value = 0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))
        return (Unicode.Scalar(value) ?? "\u{FFFD}", 12)
    case let byte: return (Unicode.Scalar(byte), 2)
    }
}

/// The UTF-16 code unit of `\uXXXX` at `index`; nil for anything else.
private func utf16Unit(_ bytes: [UInt8], at index: Int) -> UInt16? {
    guard index + 6 <= bytes.count, bytes[index] == backslash,
        bytes[index + 1] == UInt8(ascii: "u")
    else { return nil }
    var unit: UInt16 = 0
    for offset in 2..<6 {
        let digit: UInt8
        switch bytes[index + offset] {
        case let byte where (0x30...0x39).contains(byte): digit = byte - 0x30
        case let byte where (0x41...0x46).contains(byte): digit = byte - 0x41 + 10
        case let byte where (0x61...0x66).contains(byte): digit = byte - 0x61 + 10
        default: return nil
        }
        unit = unit << 4 | UInt16(digit)
    }
    return unit
}

private func isHighSurrogate(_ unit: UInt16) -> Bool { unit & 0xFC00 == 0xD800 }

private func isLowSurrogate(_ unit: UInt16) -> Bool { unit & 0xFC00 == 0xDC00 }
