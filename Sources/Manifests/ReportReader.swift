package import Domain

/// One task of a completion report.
package struct ReportRow: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable {
        /// Replication was *initiated*.
        case succeeded
        case failed
    }

    package var bucket: String
    /// Decoded: exactly the bytes that the manifest's writer was given.
    package var key: ObjectKey
    /// `null` for the null version.
    package var versionID: String
    package var status: Status
    package var httpStatus: Int?
    /// Nil when the row has none, as those that succeeded.
    package var code: String?
    package var message: String

    package init(
        bucket: String, key: ObjectKey, versionID: String, status: Status, httpStatus: Int?,
        code: String?, message: String
    ) {
        self.bucket = bucket
        self.key = key
        self.versionID = versionID
        self.status = status
        self.httpStatus = httpStatus
        self.code = code
        self.message = message
    }
}

/// A row that could not be read.
package struct ReportRowProblem: Hashable, Sendable, CustomStringConvertible {
    /// Of the row's first byte, from the beginning of the file.
    package var offset: Int64
    /// Such as `5 columns instead of 7`.
    package var what: String

    package var description: String { "\(what) at byte \(offset)" }
}

/// Reads the rows of one file of a completion report: bytes go in in pieces of any length, rows come out, in memory
/// that does not grow with the file.
///
///     bucket "," key "," version "," status "," HTTP status "," code "," message CRLF
///
/// - No header. Fields may be quoted, with `""` for a quote; a quoted field may hold line breaks. LF alone ends a row
///   too. Empty lines are passed over, and so is a byte order mark.
/// - The key is as the manifest wrote it: percent-encoded. `\N` stands for a value that is not there.
/// - HTTP status and code: the documentation and the report's own schema have the code first, real reports the
///   status. The one that is three digits is the status.
/// - A row that cannot be read is counted and told, and the next line is read as if nothing had been.
///
/// Source: S3 User Guide, "Examples of S3 Batch Operations completion reports".
package struct ReportReader: Sendable {
    /// Longer rows are not read: twice what the longest key (1,024 bytes, all encoded), version ID and message take.
    package static let maximumRowBytes = 16 * 1024
    /// Problems beyond these are only counted.
    package static let maximumProblems = 100

    package private(set) var rowCount: Int64 = 0
    /// Rows that could not be read.
    package private(set) var malformedRows: Int64 = 0
    /// The first of them.
    package private(set) var problems: [ReportRowProblem] = []

    /// What is not read yet: less than one row, between two calls.
    private var buffer: [UInt8] = []
    /// Of the buffer's first byte in the file.
    private var offset: Int64 = 0
    /// Inside a line that is too long: everything up to its end is dropped.
    private var isPassingLine = false
    private var texts = RepeatedTexts()

    package init() {}

    /// The rows that these bytes complete.
    package mutating func feed(_ bytes: [UInt8]) -> [ReportRow] {
        buffer.append(contentsOf: bytes)
        return takeRows(isEnd: false)
    }

    /// The row that the end of the file completes, if it has no line break.
    package mutating func finish() -> [ReportRow] { takeRows(isEnd: true) }

    private mutating func takeRows(isEnd: Bool) -> [ReportRow] {
        var rows: [ReportRow] = []
        rows.reserveCapacity(buffer.count / 96)
        let text = buffer
        var position = skipByteOrderMark(text)
        var fields = RowFields()
        while position < text.count {
            if isPassingLine {
                guard let end = lineEnd(text, position) else {
                    position = text.count
                    break
                }
                isPassingLine = false
                position = end
                continue
            }
            let limit = min(text.count, position + Self.maximumRowBytes)
            switch fields.split(text, position..<limit, isEnd: isEnd && limit == text.count) {
            case .row(let next):
                read(fields, text, position, into: &rows)
                position = next
            case .empty(let next): position = next
            case .malformed(let what): pass(&position, text, what, isEnd: isEnd)
            case .unfinished:
                guard limit < text.count || limit - position == Self.maximumRowBytes else {
                    // The rest comes with the next piece.
                    keep(text, from: position)
                    return rows
                }
                pass(
                    &position, text, "more than \(Self.maximumRowBytes) bytes in a row",
                    isEnd: isEnd)
            }
        }
        keep(text, from: position)
        return rows
    }

    private mutating func keep(_ text: [UInt8], from position: Int) {
        offset += Int64(position)
        buffer = Array(text[position...])
    }

    private func skipByteOrderMark(_ text: [UInt8]) -> Int {
        offset == 0 && text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Counts the row at `position` and goes on with the next *line*: a quote that is never closed must not take the
    /// rows behind it along.
    private mutating func pass(
        _ position: inout Int, _ text: [UInt8], _ what: String, isEnd: Bool
    ) {
        note(what, at: position)
        if let end = lineEnd(text, position) {
            position = end
        } else {
            position = text.count
            isPassingLine = !isEnd
        }
    }

    private mutating func note(_ what: String, at position: Int) {
        malformedRows += 1
        guard problems.count < Self.maximumProblems else { return }
        problems.append(ReportRowProblem(offset: offset + Int64(position), what: what))
    }

    private mutating func read(
        _ fields: borrowing RowFields, _ text: [UInt8], _ start: Int, into rows: inout [ReportRow]
    ) {
        do throws(RowProblem) {
            rows.append(try texts.row(fields, text))
            rowCount += 1
        } catch {
            note(error.what, at: start)
        }
    }
}

/// Behind the next line feed from `start` on.
private func lineEnd(_ text: [UInt8], _ start: Int) -> Int? {
    text[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
}
