internal import TestSupport

/// Writes a document and, beside it, the tree that a reader must find.
struct DocumentWriter {
    var generator: SeededGenerator
    var text: [UInt8] = []

    mutating func value(depth: Int) -> DocumentTree {
        space()
        defer { space() }
        switch Int.random(in: 0..<(depth < 6 ? 10 : 6), using: &generator) {
        case 0: return write("null", .null)
        case 1: return write("true", .boolean(true))
        case 2: return write("false", .boolean(false))
        case 3:
            let number = number()
            return write(number, .number(number))
        case 4, 5: return .string(string())
        case 6, 7: return array(depth: depth)
        default: return object(depth: depth)
        }
    }

    private mutating func write(_ literal: String, _ tree: DocumentTree) -> DocumentTree {
        text += literal.utf8
        return tree
    }

    private mutating func space() {
        for _ in 0..<Int.random(in: 0..<3, using: &generator) {
            text.append([0x20, 0x09, 0x0A, 0x0D].randomElement(using: &generator)!)
        }
    }

    private mutating func array(depth: Int) -> DocumentTree {
        text.append(UInt8(ascii: "["))
        var elements: [DocumentTree] = []
        for index in 0..<Int.random(in: 0..<5, using: &generator) {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            elements.append(value(depth: depth + 1))
        }
        if elements.isEmpty { space() }
        text.append(UInt8(ascii: "]"))
        return .array(elements)
    }

    private mutating func object(depth: Int) -> DocumentTree {
        text.append(UInt8(ascii: "{"))
        var members: [DocumentTree.Member] = []
        for index in 0..<Int.random(in: 0..<5, using: &generator) {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            space()
            let name = string()
            space()
            text.append(UInt8(ascii: ":"))
            members.append(.init(name: name, value: value(depth: depth + 1)))
        }
        if members.isEmpty { space() }
        text.append(UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func number() -> String {
        var number = Bool.random(using: &generator) ? "-" : ""
        number += String(
            Int64.random(in: 0...Int64.max, using: &generator)
                >> Int64.random(in: 0..<63, using: &generator))
        if Bool.random(using: &generator) {
            number += "." + String(UInt16.random(in: 0...9999, using: &generator))
        }
        if Bool.random(using: &generator) {
            number += ["e", "E", "e+", "E-"].randomElement(using: &generator)!
            number += String(UInt8.random(in: 0...99, using: &generator))
        }
        return number
    }

    private mutating func scalar() -> Unicode.Scalar {
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0x20...0x7E, 0x20...0x7E, 0x20...0x7E, 0...0x1F, 0x7F...0x7FF,
            0x800...0xFFFF, 0x10000...0x10FFFF,
        ]
        while true {
            let range = ranges.randomElement(using: &generator)!
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) {
                return scalar
            }
        }
    }

    private mutating func string() -> [UInt8] {
        text.append(UInt8(ascii: "\""))
        var contents: [UInt8] = []
        let escapesOften = Bool.random(using: &generator)
        for _ in 0..<Int.random(in: 0..<40, using: &generator) {
            let scalar = scalar()
            contents += scalar.utf8
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || (escapesOften && Int.random(in: 0..<3, using: &generator) == 0) {
                escape(scalar)
            } else {
                text += scalar.utf8
            }
        }
        text.append(UInt8(ascii: "\""))
        return contents
    }

    private mutating func escape(_ scalar: Unicode.Scalar) {
        let short: [Unicode.Scalar: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "/": "/", "\u{8}": "b", "\u{C}": "f", "\n": "n", "\r": "r",
            "\t": "t",
        ]
        if let letter = short[scalar], Bool.random(using: &generator) {
            text += [UInt8(ascii: "\\"), UInt8(ascii: letter)]
            return
        }
        for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16, uppercase: Bool.random(using: &generator))
            text += "\\u".utf8
            text += String(repeating: "0", count: 4 - digits.count).utf8
            text += digits.utf8
        }
    }
}

/// `depth` is where writing starts: the deeper, the smaller the document; leaves alone from 6 on.
func randomDocument(seed: UInt64, depth: Int = 0) -> (text: [UInt8], tree: DocumentTree) {
    var writer = DocumentWriter(generator: SeededGenerator(seed: seed))
    let tree = writer.value(depth: depth)
    return (writer.text, tree)
}

/// One to three bytes of `text` removed, inserted or replaced.
func damage(_ text: inout [UInt8], using generator: inout SeededGenerator) {
    let likely =
        Array(#"{}[]",:\u0eE+-.1d8"#.utf8) + [0x00, 0x1F, 0x7F, 0x80, 0xC2, 0xED, 0xF0, 0xFF]
    for _ in 0...Int.random(in: 0..<3, using: &generator) where !text.isEmpty {
        let index = text.indices.randomElement(using: &generator)!
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: text.remove(at: index)
        case 1: text.insert(likely.randomElement(using: &generator)!, at: index)
        default: text[index] = likely.randomElement(using: &generator)!
        }
    }
}
