import Foundation
internal import JSONScanning
internal import TestSupport
import Testing

/// Decodes what the scanner found, and throws where Foundation finds something else. Guided by the scanner's tree,
/// so that every value is decoded, which is when JSONDecoder checks strings and numbers.
private struct Agreement: DecodableWithConfiguration {
    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    struct OtherValue: Error { let tree: DocumentTree }

    init(from decoder: any Decoder, configuration tree: DocumentTree) throws {
        let agrees: Bool
        switch tree {
        case .object(let members): agrees = try Self.members(members, decoder)
        case .array(let elements):
            var container = try decoder.unkeyedContainer()
            for element in elements {
                _ = try container.decode(Agreement.self, configuration: element)
            }
            agrees = container.isAtEnd
        case .string(let bytes):
            agrees = try decoder.singleValueContainer().decode(String.self).utf8
                .elementsEqual(bytes)
        case .number(let digits):
            let value = try decoder.singleValueContainer()
            agrees =
                if let integer = Int64(digits) { try value.decode(Int64.self) == integer } else {
                    try value.decode(Double.self) == Double(digits)
                }
        case .boolean(let value):
            agrees = try decoder.singleValueContainer().decode(Bool.self) == value
        case .null: agrees = try decoder.singleValueContainer().decodeNil()
        }
        guard agrees else { throw OtherValue(tree: tree) }
    }

    /// Of a repeated name Foundation keeps the first value; names that Swift's String calls equal are one.
    private static func members(
        _ members: [DocumentTree.Member], _ decoder: any Decoder
    ) throws -> Bool {
        let container = try decoder.container(keyedBy: Name.self)
        var names: Set<String> = []
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard names.insert(name).inserted else { continue }
            _ = try container.decode(
                Agreement.self, forKey: Name(stringValue: name), configuration: member.value)
        }
        return Set(container.allKeys.map(\.stringValue)) == names
    }
}

/// What Foundation alone makes of a document; every value is decoded.
private struct Anything: Decodable {
    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Agreement.Name.self) {
            for name in container.allKeys {
                _ = try container.decode(Anything.self, forKey: name)
            }
        } else if var container = try? decoder.unkeyedContainer() {
            while !container.isAtEnd { _ = try container.decode(Anything.self) }
        } else {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() || (try? value.decode(Bool.self)) != nil { return }
            if (try? value.decode(Double.self)) == nil { _ = try value.decode(String.self) }
        }
    }
}

/// Where Foundation reads otherwise than RFC 8259 says, or decodes less than the RFC allows: all that was seen in
/// swift-foundation 6.3. Any other difference is a failure.
private enum Difference: String, CaseIterable {
    case none = "the same"
    /// Foundation takes a comma behind an array's last element; the RFC has none.
    case trailingComma = "trailing comma taken"
    /// Foundation guesses UTF-16 and UTF-32 from a zero byte; section 8.1 asks for UTF-8.
    case otherEncoding = "UTF-16 taken"
    /// Double holds no such number. The RFC sets no limit, and a number that is not read may be any.
    case hugeExponent = "exponent refused"
    /// Foundation refuses `0e2`, which section 6 allows.
    case zeroWithExponent = "0e2 refused"
    case unknown
}

private func difference(on text: [UInt8]) -> Difference {
    let data = Data(text)
    let decoder = JSONDecoder()
    do throws(JSONError) {
        let tree = try DocumentTree(parsing: text)
        let agreement = try? decoder.decode(Agreement.self, from: data, configuration: tree)
        return agreement == nil ? reasonToRefuse(tree) : .none
    } catch {
        guard (try? decoder.decode(Anything.self, from: data)) != nil else { return .none }
        if text.prefix(4).contains(0) { return .otherEncoding }
        guard error.kind == .unexpectedByte(UInt8(ascii: "]"), expected: .value),
            text[..<error.offset].last(where: { $0 > 0x20 }) == UInt8(ascii: ",")
        else { return .unknown }
        return .trailingComma
    }
}

private func reasonToRefuse(_ tree: DocumentTree) -> Difference {
    switch tree {
    case .object(let members):
        return members.map { reasonToRefuse($0.value) }.first { $0 != .unknown } ?? .unknown
    case .array(let elements):
        return elements.map(reasonToRefuse).first { $0 != .unknown } ?? .unknown
    case .number(let digits):
        if digits.contains(/^-?0[eE]/) { return .zeroWithExponent }
        guard let value = Double(digits) else { return .unknown }
        let vanished = value == 0 && digits.contains(/^[-0.]*[1-9]/)
        return value.isInfinite || vanished ? .hugeExponent : .unknown
    case .string, .boolean, .null: return .unknown
    }
}

@Test func `100,000 random documents are what Foundation's JSONDecoder reads`() throws {
    var generator = SeededGenerator(seed: 7)
    var (cases, bytes, damaged, refused) = (0, 0, 0, 0)
    var differences: [Difference: Int] = [:]
    for seed in 0..<100_000 as Range<UInt64> {
        var (text, tree) = randomDocument(seed: seed, depth: seed % 16 == 0 ? 3 : 5)
        if seed % 2 == 0 {
            if try DocumentTree(parsing: text) != tree { Issue.record("seed \(seed)") }
        } else {
            damage(&text, using: &generator)
            damaged += 1
        }
        let error = errorOfReading(text)
        if error != errorOfSkipping(text) { Issue.record("seed \(seed)") }
        if error != nil { refused += 1 }
        let difference = difference(on: text)
        differences[difference, default: 0] += 1
        if difference == .unknown { Issue.record("seed \(seed), Foundation differs") }
        bytes += text.count
        cases += 1
    }
    let found = Difference.allCases.map { "\($0.rawValue) \(differences[$0] ?? 0)" }
    print("cases \(cases)")
    print("seeds 0..<\(cases) and 7: \(bytes) bytes, \(damaged) damaged, \(refused) refused")
    print("Foundation: \(found.joined(separator: ", "))")
    #expect(refused > damaged / 4)
}
