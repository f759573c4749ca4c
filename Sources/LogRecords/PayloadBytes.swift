/// Why bytes are not a payload of the log.
package enum PayloadError: Error, Hashable, Sendable {
    /// The field needs more bytes than the payload has.
    case truncated(field: String, offset: Int)
    case trailingBytes(offset: Int, count: Int)
    /// Written by a newer program.
    case newerVersion(UInt8)
    case unknownValue(_ field: String, UInt8)
    /// The length is not in its shortest form, or above what 4 bytes of varint hold.
    case invalidLength(field: String, offset: Int)
    case notUTF8(field: String, offset: Int)
}

extension PayloadError: CustomStringConvertible {
    /// A sentence.
    package var description: String {
        switch self {
        case .truncated(let field, let offset):
            "The log record ends inside its field \(field) at byte \(offset)."
        case .trailingBytes(let offset, let count):
            "\(count) bytes follow the log record's last field at byte \(offset)."
        case .newerVersion(let version):
            "The log record has version \(version), this program knows versions up to "
                + "\(LogPayload.version): start the newer s3remedyd that wrote it."
        case .unknownValue(let field, let value):
            "The log record's field \(field) is \(value), which has no meaning."
        case .invalidLength(let field, let offset):
            "The length of the log record's field \(field) at byte \(offset) is malformed."
        case .notUTF8(let field, let offset):
            "The log record's field \(field) at byte \(offset) is not UTF-8."
        }
    }
}

struct PayloadWriter {
    private(set) var bytes: [UInt8] = []

    init() {
        bytes.reserveCapacity(512)
    }

    mutating func byte(_ value: UInt8) {
        bytes.append(value)
    }

    mutating func int64(_ value: Int64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Int64(shift)))
        }
    }

    mutating func text(_ value: String) {
        length(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    mutating func blob(_ value: [UInt8]) {
        length(value.count)
        bytes.append(contentsOf: value)
    }

    private mutating func length(_ value: Int) {
        precondition(value <= PayloadReader.maximumLength, "a field of \(value) bytes")
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Takes fields off the front. A length is compared with what is left before memory is taken for it.
struct PayloadReader {
    /// What 4 bytes of varint hold: above any frame of the log.
    static let maximumLength = 1 << 28 - 1

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func byte(_ field: String) throws(PayloadError) -> UInt8 {
        guard position < bytes.count else { throw .truncated(field: field, offset: position) }
        position += 1
        return bytes[position - 1]
    }

    mutating func int64(_ field: String) throws(PayloadError) -> Int64 {
        guard bytes.count - position >= 8 else { throw .truncated(field: field, offset: position) }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += 8
        return Int64(bitPattern: value)
    }

    mutating func text(_ field: String) throws(PayloadError) -> String {
        let range = try blobRange(field)
        do {
            return String(copying: try UTF8Span(validating: bytes.span.extracting(range)))
        } catch {
            throw .notUTF8(field: field, offset: range.lowerBound)
        }
    }

    mutating func blob(_ field: String) throws(PayloadError) -> [UInt8] {
        Array(bytes[try blobRange(field)])
    }

    func finish() throws(PayloadError) {
        guard position == bytes.count else {
            throw .trailingBytes(offset: position, count: bytes.count - position)
        }
    }

    private mutating func blobRange(_ field: String) throws(PayloadError) -> Range<Int> {
        let start = position
        var length = 0
        for index in 0..<4 {
            let next = try byte(field)
            length |= Int(next & 0x7F) << (7 * index)
            if next & 0x80 == 0 {
                guard index == 0 || next != 0 else { break }
                guard length <= bytes.count - position else {
                    throw .truncated(field: field, offset: position)
                }
                position += length
                return position - length..<position
            }
        }
        throw .invalidLength(field: field, offset: start)
    }
}
