internal import CSystem

/// CRC32C (Castagnoli), inverted before and after. With the processor's instruction where there is one, else eight
/// tables.
enum CRC32C {
    /// The CRC of `bytes` as if bytes with the CRC `seed` stood before them.
    static func checksum(of bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { buffer in
            guard hasInstruction else { return unsafe ~byTables(~seed, buffer) }
            return unsafe ~crc32c_by_instruction(~seed, buffer.baseAddress, buffer.count)
        }
    }

    private static let hasInstruction = crc32c_has_instruction() != 0

    /// Slicing by 8 (Kounavis and Berry 2005): table `n` at `n * 256` moves a byte over `n` more bytes.
    static func byTables(_ state: UInt32, _ buffer: UnsafeRawBufferPointer) -> UInt32 {
        var state = state
        var index = 0
        while index + 8 <= buffer.count {
            let word = unsafe UInt64(
                littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let mixed = word ^ UInt64(state)
            state = 0
            for byte in 0..<8 {
                let value = Int(truncatingIfNeeded: mixed >> (8 * byte)) & 0xFF
                state ^= tables[(7 - byte) * 256 + value]
            }
            index += 8
        }
        while index < buffer.count {
            let value = unsafe buffer[index]
            state = tables[Int((state ^ UInt32(value)) & 0xFF)] ^ (state >> 8)
            index += 1
        }
        return state
    }

    private static let tables: [UInt32] = {
        let polynomial: UInt32 = 0x82F6_3B78
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for value in 0..<256 {
            var state = UInt32(value)
            for _ in 0..<8 { state = state & 1 == 1 ? (state >> 1) ^ polynomial : state >> 1 }
            tables[value] = state
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = tables[Int(before & 0xFF)] ^ (before >> 8)
        }
        return tables
    }()
}
