internal import FoundationEssentials

/// `value` as JSON in one line, keys in order. Characters that a terminal could obey are escaped, which changes
/// nothing of the value.
func json(_ value: some Encodable) -> String {
    encoded(value, [.sortedKeys, .withoutEscapingSlashes])
}

/// The same over several lines.
func prettyJSON(_ value: some Encodable) -> String {
    encoded(value, [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted])
}

private func encoded(_ value: some Encodable, _ format: JSONEncoder.OutputFormatting) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format
    guard let data = try? encoder.encode(value) else {
        preconditionFailure("only NaN and infinity cannot be encoded, and no reply can hold them")
    }
    return escapedJSON(String(decoding: data, as: UTF8.self))
}

/// JSONEncoder escapes up to U+001F; DEL, C1 controls and the marks that turn text stay. They occur inside strings
/// only, where `\uXXXX` means the same.
private func escapedJSON(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isRiskyInJSON) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if isRiskyInJSON(scalar) {
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

private func isRiskyInJSON(_ scalar: Unicode.Scalar) -> Bool {
    scalar != "\n" && needsEscape(scalar)
}

/// A JSON value of any shape, for the cells of CSV.
indirect enum JSONValue: Codable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// The value behind `counts.open`.
    func value(at path: String) -> JSONValue {
        path.split(separator: ".").reduce(self) { value, name in
            guard case .object(let members) = value else { return .null }
            return members[String(name)] ?? .null
        }
    }

    /// A CSV cell: strings bare, nothing for null, arrays and objects as JSON.
    var cell: String {
        switch self {
        case .null: ""
        case .bool(let value): String(value)
        case .integer(let value): String(value)
        case .unsigned(let value): String(value)
        case .number(let value): String(value)
        case .string(let value): value
        case .array, .object: json(self)
        }
    }
}
