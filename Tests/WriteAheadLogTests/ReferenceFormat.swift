/// Format version 1 once more, written from its description and not from the code: an oracle, and a forger's tool.
enum ReferenceFormat {
    static func crc(_ bytes: some Sequence<UInt8>, seed: UInt32 = 0) -> UInt32 {
        var state = ~seed
        for byte in bytes {
            state ^= UInt32(byte)
            for _ in 0..<8 { state = state & 1 == 1 ? (state >> 1) ^ 0x82F6_3B78 : state >> 1 }
        }
        return ~state
    }

    static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Value($0 * 8)) }
    }

    static func number<Value: FixedWidthInteger>(_ bytes: [UInt8], _ offset: Int) -> Value {
        (0..<Value.bitWidth / 8).reduce(0) { $0 | Value(bytes[offset + $1]) << Value($1 * 8) }
    }

    static func header(first: UInt64, logID: [UInt8], seed: UInt32) -> [UInt8] {
        let bytes =
            Array("s3rmdwal".utf8) + little(UInt32(1)) + little(UInt32(0)) + little(first) + logID
            + little(seed) + [UInt8](repeating: 0, count: 16)
        return bytes + little(crc(bytes))
    }

    /// One frame with its padding, and its CRC for the next one's chain.
    static func frame(
        type: UInt8, lsn: UInt64, promise: UInt64, previous: UInt32, payload: [UInt8], seed: UInt32
    ) -> (bytes: [UInt8], crc: UInt32) {
        let head = little(UInt32(32 + payload.count)) + [type, 0]
        let rest = little(lsn) + little(promise) + little(previous)
        let check = UInt16(truncatingIfNeeded: crc(head + rest, seed: seed))
        let padding = [UInt8](repeating: 0, count: (8 - payload.count % 8) % 8)
        let checked = head + little(check) + rest
        let sum = crc(checked + payload + padding, seed: seed)
        return (checked + little(sum) + payload + padding, sum)
    }
}
