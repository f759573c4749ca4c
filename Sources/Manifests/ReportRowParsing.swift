internal import Domain

/// Why a row is not one.
struct RowProblem: Error {
    var what: String
}

/// The seven columns of a row, as places in its bytes.
struct RowFields {
    /// A field without its quotes.
    struct Field {
        var range: Range<Int>
        /// It holds `""`, each of which stands for one quote.
        var hasDoubledQuotes: Bool
    }

    enum Outcome {
        /// A row of seven columns; the offset behind it.
        case row(Int)
        /// An empty line; the offset behind it.
        case empty(Int)
        case malformed(String)
        /// The range ends inside the row.
        case unfinished
    }

    static let columns = 7

    private(set) var fields: [Field] = []

    subscript(column: Int) -> Field { fields[column] }

    /// Splits the row that begins the range.
    /// - Parameter isEnd: the range ends where the file does.
    mutating func split(_ text: [UInt8], _ range: Range<Int>, isEnd: Bool) -> Outcome {
        fields.removeAll(keepingCapacity: true)
        var columns = 0
        var position = range.lowerBound
        while true {
            let start = position
            var field: Field
            if position < range.upperBound, text[position] == UInt8(ascii: "\"") {
                guard let quoted = quotedField(text, position..<range.upperBound) else {
                    return isEnd ? .malformed("a quote that is not closed") : .unfinished
                }
                field = quoted.field
                position = quoted.end
            } else {
                while position < range.upperBound, !endsField(text[position]) { position += 1 }
                field = Field(range: start..<position, hasDoubledQuotes: false)
            }
            let next = end(of: &field, text, position, range.upperBound, isEnd: isEnd)
            guard let next else { return .unfinished }
            columns += 1
            if columns <= Self.columns { fields.append(field) }
            switch next {
            case .field(let start): position = start
            case .text: return .malformed("text behind a closing quote")
            case .row(let start):
                if columns == 1 && field.range.isEmpty { return .empty(start) }
                guard columns == Self.columns else {
                    return .malformed("\(columns) columns instead of \(Self.columns)")
                }
                return .row(start)
            }
        }
    }

    private enum Next {
        case field(Int)
        case row(Int)
        /// Neither comma nor line break.
        case text
    }

    /// What follows the field that ends at `position`; nil when that is not here yet.
    private func end(
        of field: inout Field, _ text: [UInt8], _ position: Int, _ limit: Int, isEnd: Bool
    ) -> Next? {
        guard position < limit else {
            guard isEnd else { return nil }
            dropReturn(&field, text, position)
            return .row(position)
        }
        switch text[position] {
        case UInt8(ascii: ","): return .field(position + 1)
        case UInt8(ascii: "\n"):
            dropReturn(&field, text, position)
            return .row(position + 1)
        case UInt8(ascii: "\r"):
            guard position + 1 < limit else { return isEnd ? .row(position + 1) : nil }
            return text[position + 1] == UInt8(ascii: "\n") ? .row(position + 2) : .text
        default: return .text
        }
    }

    /// Of CRLF, behind a field without quotes.
    private func dropReturn(_ field: inout Field, _ text: [UInt8], _ position: Int) {
        if field.range.upperBound == position, let last = field.range.last,
            text[last] == UInt8(ascii: "\r")
        {
            field.range = field.range.dropLast()
        }
    }

    /// The field whose opening quote begins the range, and the offset behind its closing one.
    private func quotedField(
        _ text: [UInt8], _ range: Range<Int>
    ) -> (field: Field, end: Int)? {
        let quote = UInt8(ascii: "\"")
        let start = range.lowerBound + 1
        var hasDoubledQuotes = false
        var position = start
        while position < range.upperBound {
            if text[position] == quote {
                guard position + 1 < range.upperBound, text[position + 1] == quote else {
                    let field = Field(range: start..<position, hasDoubledQuotes: hasDoubledQuotes)
                    return (field, position + 1)
                }
                hasDoubledQuotes = true
                position += 1
            }
            position += 1
        }
        return nil
    }
}

private func endsField(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n")
}

/// Makes rows of fields. Bucket, code and message are mostly those of the row before, and then cost nothing.
struct RepeatedTexts: Sendable {
    private var bucket = RepeatedText()
    private var code = RepeatedText()
    private var message = RepeatedText()

    mutating func row(
        _ fields: borrowing RowFields, _ text: [UInt8]
    ) throws(RowProblem) -> ReportRow {
        guard let status = status(text, fields[3].range) else {
            throw RowProblem(what: "the TaskStatus \(shown(text, fields[3].range))")
        }
        let key = contents(text, fields[1])
        guard let decoded = decoded(key), !decoded.isEmpty else {
            throw RowProblem(what: "a Key that is empty or not URL-encoded")
        }
        var httpStatus = threeDigits(text, fields[4].range)
        var codeField = fields[5]
        if httpStatus == nil, let other = threeDigits(text, fields[5].range) {
            httpStatus = other
            codeField = fields[4]
        } else if httpStatus == nil, isAbsent(text, fields[5].range) {
            codeField = fields[4]
        }
        let hasCode = !isAbsent(text, codeField.range)
        return ReportRow(
            bucket: bucket.take(contents(text, fields[0])), key: ObjectKey(bytes: decoded),
            versionID: try versionID(text, fields[2]), status: status, httpStatus: httpStatus,
            code: hasCode ? code.take(contents(text, codeField)) : nil,
            message: message.take(contents(text, fields[6])))
    }

    /// Decoded like the key: a version ID of AWS's holds nothing that is encoded.
    private func versionID(
        _ text: [UInt8], _ field: RowFields.Field
    ) throws(RowProblem) -> String {
        if isAbsent(text, field.range) { return "null" }
        let bytes = contents(text, field)
        guard bytes.contains(percent) else { return String(decoding: bytes, as: UTF8.self) }
        guard let decoded = decoded(bytes) else {
            throw RowProblem(what: "a VersionId that is not URL-encoded")
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}

/// A text that is often the one before.
private struct RepeatedText: Sendable {
    private var bytes: [UInt8] = []
    private var text = ""

    mutating func take(_ new: ArraySlice<UInt8>) -> String {
        if !bytes.elementsEqual(new) {
            bytes = Array(new)
            text = String(decoding: new, as: UTF8.self)
        }
        return text
    }
}

private let percent = UInt8(ascii: "%")

/// Most keys have nothing to decode.
private func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    bytes.contains(percent) ? percentDecoded(bytes, plusIsSpace: false) : Array(bytes)
}

private func contents(_ text: [UInt8], _ field: RowFields.Field) -> ArraySlice<UInt8> {
    guard field.hasDoubledQuotes else { return text[field.range] }
    let quote = UInt8(ascii: "\"")
    var result: [UInt8] = []
    result.reserveCapacity(field.range.count)
    var isSecond = false
    for byte in text[field.range] {
        isSecond = byte == quote && !isSecond
        if !isSecond { result.append(byte) }
    }
    return result[...]
}

private let succeeded = Array("succeeded".utf8)[...]
private let failed = Array("failed".utf8)[...]

private func status(_ text: [UInt8], _ range: Range<Int>) -> ReportRow.Status? {
    if text[range] == succeeded { return .succeeded }
    return text[range] == failed ? .failed : nil
}

private func threeDigits(_ text: [UInt8], _ range: Range<Int>) -> Int? {
    guard range.count == 3 else { return nil }
    var value = 0
    for byte in text[range] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return value
}

/// Empty, or `\N`.
private func isAbsent(_ text: [UInt8], _ range: Range<Int>) -> Bool {
    range.isEmpty || text[range].elementsEqual("\\N".utf8)
}

/// What was there instead, for a sentence.
private func shown(_ text: [UInt8], _ range: Range<Int>) -> String {
    "\"" + percentEncoded(text[range].prefix(40), keeping: .slash) + "\""
}
