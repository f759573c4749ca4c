internal import Domain
internal import JSONScanning

/// Takes what fields hold, as the type that is expected, or says in a sentence what is wrong with which value.
struct FieldReader {
    enum Place {
        case message
        case record(Int)
    }

    private let scanner: JSONScanner
    private let place: Place
    /// Byte offset of the object that the fields belong to: where a missing one is missing.
    private let start: Int

    init(_ scanner: JSONScanner, place: Place, start: Int) {
        self.scanner = scanner
        self.place = place
        self.start = start
    }

    func require(
        _ kind: JSONKind, _ field: JSONField, _ path: String, optional: Bool = false
    ) throws(DecodingProblem) {
        try refuseRepeated(field, path)
        guard let value = field.value else {
            if optional { return }
            throw problem(field, path, expected: "an \(kind)")
        }
        guard value.kind == kind else { throw problem(field, path, expected: "an \(kind)") }
    }

    /// Nil when the member is absent or null. `limit` counts bytes.
    func optionalText(
        _ field: JSONField, _ path: String, upTo limit: Int
    ) throws(DecodingProblem) -> String? {
        guard let value = try present(field, path) else { return nil }
        guard value.kind == .string else { throw problem(field, path, expected: "a string") }
        let text = scanner.text(value)
        guard text.utf8.count <= limit else {
            throw problem(field, path, expected: "at most \(limit) bytes")
        }
        return text
    }

    /// A text that must be there and have characters.
    func text(
        _ field: JSONField, _ path: String, upTo limit: Int
    ) throws(DecodingProblem) -> String {
        guard let text = try optionalText(field, path, upTo: limit), !text.isEmpty else {
            throw problem(field, path, expected: "a string of 1 to \(limit) bytes")
        }
        return text
    }

    func contents(_ field: JSONField, _ path: String) throws(DecodingProblem) -> [UInt8] {
        guard let value = try present(field, path), value.kind == .string else {
            throw problem(field, path, expected: "a string")
        }
        return scanner.contents(value)
    }

    func timestamp(_ field: JSONField, _ path: String) throws(DecodingProblem) -> Timestamp {
        guard let value = try present(field, path), value.kind == .string,
            let time = Timestamp(rfc3339: scanner.contents(value))
        else {
            throw problem(
                field, path, expected: "an RFC 3339 time such as 2024-09-05T21:04:32.527Z")
        }
        return time
    }

    func size(_ field: JSONField, _ path: String) throws(DecodingProblem) -> Int64? {
        guard let value = try present(field, path) else { return nil }
        guard let size = scanner.integer(value), (0...Bounds.size).contains(size) else {
            throw problem(field, path, expected: "a size in bytes from 0 to \(Bounds.size)")
        }
        return size
    }

    /// A form-encoded key, as its exact bytes.
    func key(_ field: JSONField, _ path: String) throws(DecodingProblem) -> ObjectKey {
        let encoded = try contents(field, path)
        guard let key = ObjectKey(formEncoded: encoded) else {
            throw problem(
                field, path,
                expected: "a form-encoded key, two hexadecimal digits behind each `%`")
        }
        guard !key.bytes.isEmpty, key.bytes.count <= Bounds.key else {
            throw problem(
                field, path,
                expected: "a key of 1 to \(Bounds.key) bytes, decoded it has \(key.bytes.count)")
        }
        return key
    }

    func problem(_ field: JSONField, _ path: String, expected: String) -> DecodingProblem {
        let name = fullPath(path)
        guard let value = field.value else {
            return DecodingProblem(
                sentence:
                    "\(name) is missing in the object at byte \(start): expected \(expected).",
                offset: start)
        }
        let offset = value.range.lowerBound
        return DecodingProblem(
            sentence: "\(name) is \(shown(value)) at byte \(offset): expected \(expected).",
            offset: offset)
    }

    private func present(
        _ field: JSONField, _ path: String
    ) throws(DecodingProblem) -> JSONValue? {
        try refuseRepeated(field, path)
        guard let value = field.value, value.kind != .null else { return nil }
        return value
    }

    private func refuseRepeated(_ field: JSONField, _ path: String) throws(DecodingProblem) {
        guard let offset = field.repeatedAt, let value = field.value else { return }
        throw DecodingProblem(
            sentence: "\(fullPath(path)) is \(shown(value)) at byte \(value.range.lowerBound) "
                + "and stands again at byte \(offset): expected it once.",
            offset: offset)
    }

    private func fullPath(_ path: String) -> String {
        switch place {
        case .message: path
        case .record(let index): path.isEmpty ? "Records[\(index)]" : "Records[\(index)].\(path)"
        }
    }

    private func shown(_ value: JSONValue) -> String {
        switch value.kind {
        case .object: "an object"
        case .array: "an array"
        case .string: quoted(scanner.contents(value)[...])
        case .number, .boolean, .null: shortened(scanner.bytes[value.range])
        }
    }
}

/// Bytes as text for a sentence: in quotes, at most 80 of them, control and other invisible characters escaped.
func quoted(_ bytes: ArraySlice<UInt8>) -> String { "\"" + shortened(bytes) + "\"" }

private func shortened(_ bytes: ArraySlice<UInt8>) -> String {
    let limit = 80
    var text = ""
    for scalar in String(decoding: bytes.prefix(limit), as: UTF8.self).unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .surrogate,
            .privateUse:
            text += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        default: text.unicodeScalars.append(scalar)
        }
    }
    return bytes.count > limit ? text + "…" : text
}
