internal import SystemIO

extension RawSpan {
    /// The little-endian integer at `offset`; traps when it is not all inside.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: Value.Type
    ) -> Value {
        // Unsafe only for types with invalid bit patterns; integers have none, and bounds are checked.
        unsafe Value(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Whether all bytes are zero.
    var isZero: Bool {
        var index = 0
        while index + 8 <= byteCount {
            if integer(at: index, as: UInt64.self) != 0 { return false }
            index += 8
        }
        while index < byteCount {
            if integer(at: index, as: UInt8.self) != 0 { return false }
            index += 1
        }
        return true
    }
}

extension [UInt8] {
    /// Stores `value` little-endian at `offset`; traps when it does not all fit.
    mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int)
    {
        var span = mutableSpan
        // Unsafe for element types with invalid bit patterns; bytes have none.
        var raw = unsafe span.mutableBytes
        raw.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }

    /// Fills the array from `offset` of `file`; returns how many bytes were read.
    mutating func fill(from file: any OpenFile, at offset: Int) throws(FileFailure) -> Int {
        var span = mutableSpan
        var raw = unsafe span.mutableBytes
        return try file.read(into: &raw, at: offset)
    }
}
