internal import JSONScanning
internal import Testing

private let accepted: [(String, DocumentTree)] = [
    ("{}", .object([])),
    ("[]", .array([])),
    (" \t\r\n[ \t\r\n] \t\r\n", .array([])),
    ("null", .null),
    ("true", .boolean(true)),
    ("false", .boolean(false)),
    ("0", .number("0")),
    ("-0", .number("-0")),
    ("10", .number("10")),
    ("-1.5", .number("-1.5")),
    ("1e1", .number("1e1")),
    ("1E+1", .number("1E+1")),
    ("0.00e-09", .number("0.00e-09")),
    ("123456789012345678901234567890", .number("123456789012345678901234567890")),
    (#""""#, .string([])),
    (#""a""#, .string([0x61])),
    (#""\"\\\/\b\f\n\r\t""#, .string([0x22, 0x5C, 0x2F, 8, 12, 10, 13, 9])),
    (#""\u0000""#, .string([0])),
    (#""\u00e9\u00E9""#, .string([0xC3, 0xA9, 0xC3, 0xA9])),
    (#""\ud83d\ude00""#, .string([0xF0, 0x9F, 0x98, 0x80])),
    (#""\uD800\uDC00""#, .string([0xF0, 0x90, 0x80, 0x80])),
    (#""\uDBFF\uDFFF""#, .string([0xF4, 0x8F, 0xBF, 0xBF])),
    (#""\uFFFF\ud7ff\ue000""#, .string([0xEF, 0xBF, 0xBF, 0xED, 0x9F, 0xBF, 0xEE, 0x80, 0x80])),
    (#""\\u0041""#, .string(Array(#"\u0041"#.utf8))),
    ("\"\u{7F}\u{80}\u{2028}\u{10FFFF}\"", .string(Array("\u{7F}\u{80}\u{2028}\u{10FFFF}".utf8))),
    (
        #"{"a":1,"b":[true,{}]}"#,
        .object([
            .init(name: [0x61], value: .number("1")),
            .init(name: [0x62], value: .array([.boolean(true), .object([])])),
        ])
    ),
    (
        #"{"":0,"":1}"#,
        .object([.init(name: [], value: .number("0")), .init(name: [], value: .number("1"))])
    ),
    ("[[],[[]],{}]", .array([.array([]), .array([.array([])]), .object([])])),
    ("[1 , 2\n,\t3 ]", .array([.number("1"), .number("2"), .number("3")])),
    ("[\"\",null]", .array([.string([]), .null])),
]

private let refused: [(String, JSONError.Kind, Int)] = [
    ("", .unexpectedEnd, 0),
    ("  ", .unexpectedEnd, 2),
    ("{", .unexpectedEnd, 1),
    ("[", .unexpectedEnd, 1),
    ("[1", .unexpectedEnd, 2),
    ("[1,", .unexpectedEnd, 3),
    (#"{"a""#, .unexpectedEnd, 4),
    (#"{"a":"#, .unexpectedEnd, 5),
    (#"{"a":1"#, .unexpectedEnd, 6),
    (#"{"a":1,"#, .unexpectedEnd, 7),
    ("\"", .unexpectedEnd, 1),
    (#""abc"#, .unexpectedEnd, 4),
    (#""\"#, .unexpectedEnd, 2),
    (#""\u12"#, .unexpectedEnd, 1),
    ("tru", .unexpectedEnd, 0),
    ("-", .unexpectedEnd, 1),
    ("1.", .unexpectedEnd, 2),
    ("1e", .unexpectedEnd, 2),
    ("}", .unexpectedByte(0x7D, expected: .value), 0),
    ("]", .unexpectedByte(0x5D, expected: .value), 0),
    (",", .unexpectedByte(0x2C, expected: .value), 0),
    ("'a'", .unexpectedByte(0x27, expected: .value), 0),
    ("+1", .unexpectedByte(0x2B, expected: .value), 0),
    (".5", .unexpectedByte(0x2E, expected: .value), 0),
    ("NaN", .unexpectedByte(0x4E, expected: .value), 0),
    ("Infinity", .unexpectedByte(0x49, expected: .value), 0),
    ("// c\n1", .unexpectedByte(0x2F, expected: .value), 0),
    ("\u{FEFF}{}", .unexpectedByte(0xEF, expected: .value), 0),
    ("\u{A0}1", .unexpectedByte(0xC2, expected: .value), 0),
    ("\u{0B}1", .unexpectedByte(0x0B, expected: .value), 0),
    ("[,1]", .unexpectedByte(0x2C, expected: .value), 1),
    ("[1,]", .unexpectedByte(0x5D, expected: .value), 3),
    ("[1,,2]", .unexpectedByte(0x2C, expected: .value), 3),
    ("[1 2]", .unexpectedByte(0x32, expected: .nextElement), 3),
    ("[1}", .unexpectedByte(0x7D, expected: .nextElement), 2),
    (#"["a":1]"#, .unexpectedByte(0x3A, expected: .nextElement), 4),
    (#"{"a":1]"#, .unexpectedByte(0x5D, expected: .nextMember), 6),
    (#"{"a":1 "b":2}"#, .unexpectedByte(0x22, expected: .nextMember), 7),
    (#"{"a":1,}"#, .unexpectedByte(0x7D, expected: .memberName), 7),
    (#"{"a":1,,"b":2}"#, .unexpectedByte(0x2C, expected: .memberName), 7),
    (#"{,"a":1}"#, .unexpectedByte(0x2C, expected: .firstMember), 1),
    ("{1:1}", .unexpectedByte(0x31, expected: .firstMember), 1),
    ("{a:1}", .unexpectedByte(0x61, expected: .firstMember), 1),
    (#"{"a" 1}"#, .unexpectedByte(0x31, expected: .colon), 5),
    (#"{"a"}"#, .unexpectedByte(0x7D, expected: .colon), 4),
    (#"{"a"::1}"#, .unexpectedByte(0x3A, expected: .value), 5),
    (#"{"a":}"#, .unexpectedByte(0x7D, expected: .value), 5),
    ("trues", .trailingBytes, 4),
    ("TRUE", .unexpectedByte(0x54, expected: .value), 0),
    ("nulL", .unexpectedByte(0x6E, expected: .literal), 0),
    ("fals3", .unexpectedByte(0x66, expected: .literal), 0),
    ("01", .invalidNumber, 0),
    ("-01", .invalidNumber, 0),
    ("-a", .invalidNumber, 0),
    ("1.e1", .invalidNumber, 0),
    ("[1e+]", .invalidNumber, 1),
    ("0x10", .trailingBytes, 1),
    ("1_0", .trailingBytes, 1),
    ("{} {}", .trailingBytes, 3),
    ("1 1", .trailingBytes, 2),
    ("[]\u{0}", .trailingBytes, 2),
    (#""\x41""#, .invalidEscape, 1),
    (#""\U0041""#, .invalidEscape, 1),
    (#""\u004g""#, .invalidEscape, 1),
    (#""\u+041""#, .invalidEscape, 1),
    (#""\'""#, .invalidEscape, 1),
    ("\"a\tb\"", .controlCharacterInString(9), 2),
    ("\"12345678901234567890\n\"", .controlCharacterInString(10), 21),
    ("\"\u{0}\"", .controlCharacterInString(0), 1),
    ("\"\u{1F}\"", .controlCharacterInString(0x1F), 1),
    (#""\ud800""#, .loneSurrogate, 1),
    (#""\udc00""#, .loneSurrogate, 1),
    (#""\ud800\ud800""#, .loneSurrogate, 1),
    (#""\ud800\u0041""#, .loneSurrogate, 1),
    (#""\ud800a""#, .loneSurrogate, 1),
    (#"{"\udfff":1}"#, .loneSurrogate, 2),
]

private let malformedUTF8: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3, 0x28], [0xE0, 0x9F, 0xBF],
    [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28],
    [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x28, 0x8C, 0xBC], [0xF4, 0x90, 0x80, 0x80],
    [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
]

@Test func `documents of RFC 8259 are read as they are written`() throws {
    print("accepted documents: \(accepted.count)")
    for (text, tree) in accepted {
        let document = Array(text.utf8)
        #expect(try DocumentTree(parsing: document) == tree, "\(text)")
        #expect(errorOfSkipping(document) == nil, "\(text)")
    }
}

@Test func `anything else is refused with kind and place, skipped or read`() {
    print("refused documents: \(refused.count)")
    for (text, kind, offset) in refused {
        let expected = JSONError(kind: kind, offset: offset)
        #expect(errorOfReading(Array(text.utf8)) == expected, "reading \(text)")
        #expect(errorOfSkipping(Array(text.utf8)) == expected, "skipping \(text)")
    }
}

@Test func `malformed UTF-8 is refused at its first byte`() {
    print("malformed sequences: \(malformedUTF8.count)")
    for sequence in malformedUTF8 {
        let document = Array("[\"ä 12345678".utf8) + sequence + Array("\"]".utf8)
        let expected = JSONError(kind: .invalidUTF8, offset: 13)
        #expect(errorOfReading(document) == expected, "\(sequence)")
        #expect(errorOfSkipping(document) == expected, "\(sequence)")
    }
}

@Test func `every byte at every place of a string is judged alike, in words and behind them`() {
    var strings = 0
    for byte in 0...255 as ClosedRange<UInt8> {
        for length in 1...24 {
            for place in 0..<length {
                var contents = [UInt8](repeating: 0x20, count: length)
                contents[place] = byte
                let error = errorOfSkipping([0x22] + contents + [0x22])
                let expected: JSONError.Kind? =
                    switch byte {
                    case 0x22: .trailingBytes
                    case 0x5C: place == length - 1 ? .unexpectedEnd : .invalidEscape
                    case 0..<0x20: .controlCharacterInString(byte)
                    case 0x80...: .invalidUTF8
                    default: nil
                    }
                if error?.kind != expected || (byte < 0x20 && error?.offset != place + 1) {
                    Issue.record("\(byte) at \(place) of \(length): \(String(describing: error))")
                }
                strings += 1
            }
        }
    }
    print("strings of one odd byte: \(strings)")
}

@Test func `64 containers inside each other are read and one more is refused at its bracket`() {
    for (opening, closing) in [("[", "]"), (#"{"a":"#, "}")] {
        let deepest =
            String(repeating: opening, count: 63) + "[]" + String(repeating: closing, count: 63)
        #expect(errorOfReading(Array(deepest.utf8)) == nil)
        #expect(errorOfSkipping(Array(deepest.utf8)) == nil)
        let deeper =
            String(repeating: opening, count: 64) + "{}" + String(repeating: closing, count: 64)
        let expected = JSONError(kind: .tooDeep, offset: 64 * opening.utf8.count)
        #expect(errorOfReading(Array(deeper.utf8)) == expected)
        #expect(errorOfSkipping(Array(deeper.utf8)) == expected)
    }
    let hostile = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
    #expect(errorOfSkipping(hostile)?.kind == .tooDeep)
}

@Test func `an error's sentence says what was expected, what was found and where`() {
    #expect(
        errorOfSkipping(Array(#"{"a" 1}"#.utf8))?.description
            == "expected `:` after a member's name, found `1` at byte 5")
    #expect(
        errorOfSkipping([0x22, 0x07, 0x22])?.description
            == "the unescaped control character the byte 0x07 in a string at byte 1")
    #expect(errorOfSkipping([])?.description == "the JSON ends inside a value at byte 0")
}
