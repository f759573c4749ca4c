internal import Domain

/// Where a page ended: opaque to clients, base64url without padding (RFC 4648, section 5).
///
/// Bytes: version (1), order, then rule, destination, time as 8-byte big-endian integers, the key's length in two
/// bytes, the key, the version ID in UTF-8 to the end.
struct PageCursor: Equatable {
    var order: FailureQuery.Order
    var row: RowKey
    /// `last_failed_at` of the row, for the orders by time.
    var time: Int64

    var text: String {
        var bytes: [UInt8] = [1, order.code]
        for number in [row.rule, row.destination, time] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> Int64(shift)))
            }
        }
        bytes.append(UInt8(truncatingIfNeeded: row.key.count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: row.key.count))
        bytes += row.key
        bytes += Array(row.version.utf8)
        return base64URL(bytes)
    }

    init(order: FailureQuery.Order, row: RowKey, time: Int64) {
        self.order = order
        self.row = row
        self.time = time
    }

    init(_ text: String, order: FailureQuery.Order) throws(StoreFailure) {
        let refused = StoreFailure.badCursor(
            "the cursor is not one of this list's: take nextCursor of the page before as it is")
        guard text.utf8.count <= 8192 else { throw refused }
        let fixedLength = 28
        guard let bytes = base64URLDecoded(text),
            bytes.count >= fixedLength,
            bytes[0] == 1, bytes[1] == order.code
        else { throw refused }
        let numbers = [2, 10, 18].map { start in
            bytes[start..<start + 8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        }
        let keyLength = Int(bytes[26]) << 8 | Int(bytes[27])
        guard bytes.count >= fixedLength + keyLength,
            let version = String(validating: bytes[(fixedLength + keyLength)...], as: UTF8.self)
        else { throw refused }
        self.order = order
        time = numbers[2]
        row = RowKey(
            rule: numbers[0], destination: numbers[1],
            key: Array(bytes[fixedLength..<fixedLength + keyLength]), version: version)
    }
}

extension FailureQuery.Order {
    fileprivate var code: UInt8 {
        switch self {
        case .key: 0
        case .newest: 1
        case .oldest: 2
        }
    }
}
