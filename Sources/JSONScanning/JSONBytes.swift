// All memory access without the language's own checks is in this file. Each function names the bound that it keeps.
// Words are loaded little-endian, so the lowest set bit of a mask belongs to the first matching byte; the masks may
// have false bits above a true one (the borrow of a subtraction), never below.

private let ones: UInt64 = 0x0101_0101_0101_0101
private let highBits: UInt64 = 0x8080_8080_8080_8080
private let wordSize = 8

@inline(__always)
private func maskOfBytes(in word: UInt64, equalTo byte: UInt64) -> UInt64 {
    let difference = word ^ (ones &* byte)
    return (difference &- ones) & ~difference & highBits
}

@inline(__always)
private func maskOfNotPlain(in word: UInt64) -> UInt64 {
    let controls = (word &- ones &* 0x20) & ~word & highBits
    return controls | (word & highBits) | maskOfBytes(in: word, equalTo: 0x22)
        | maskOfBytes(in: word, equalTo: 0x5C)
}

/// The first index from `start` whose byte is not plain string content: a quote, a backslash, a control character
/// or a byte of 0x80 or more; `bytes.count` when there is none. Loads stay below `bytes.count`.
func endOfPlainRun(_ bytes: [UInt8], from start: Int) -> Int {
    precondition(start >= 0 && start <= bytes.count)
    return unsafe bytes.withUnsafeBytes { buffer in
        var index = start
        while buffer.count - index >= wordSize {
            let word = unsafe UInt64(
                littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let mask = maskOfNotPlain(in: word)
            if mask != 0 { return index + mask.trailingZeroBitCount / 8 }
            index += wordSize
        }
        while index < buffer.count {
            let byte = unsafe buffer[index]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
            index += 1
        }
        return index
    }
}

/// Whether `bytes[range]` is the literal. Loads stay inside `range` and inside the literal, which is as long.
func equal(_ bytes: [UInt8], _ range: Range<Int>, _ literal: StaticString) -> Bool {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    let count = range.count
    guard literal.hasPointerRepresentation, count == literal.utf8CodeUnitCount else { return false }
    return unsafe bytes.withUnsafeBytes { buffer in
        let expected = unsafe UnsafeRawBufferPointer(start: literal.utf8Start, count: count)
        var index = 0
        while count - index >= wordSize {
            let left = unsafe buffer.loadUnaligned(
                fromByteOffset: range.lowerBound + index, as: UInt64.self)
            let right = unsafe expected.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if left != right { return false }
            index += wordSize
        }
        while index < count {
            if unsafe buffer[range.lowerBound + index] != expected[index] { return false }
            index += 1
        }
        return true
    }
}

/// The contents of a scanned string with its escapes undone: `range` lies inside the quotes of a valid string, so an
/// escape is never shorter than what it stands for. Hence `write <= read`, and a whole word may be stored wherever
/// one may be loaded; escapes are read through the array's own checks, and their stores are tested.
func unescaped(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    return unsafe [UInt8](unsafeUninitializedCapacity: range.count) { output, written in
        let raw = UnsafeMutableRawBufferPointer(output)
        var read = range.lowerBound
        while read < range.upperBound {
            let plain = unsafe copyPlainRun(bytes, read..<range.upperBound, to: raw, at: written)
            read += plain
            written += plain
            guard read < range.upperBound else { break }
            let escape = decodedEscape(bytes, at: read)
            read += escape.length
            precondition(written + UTF8.width(escape.scalar) <= range.count)
            if escape.scalar.isASCII {
                unsafe raw[written] = UInt8(truncatingIfNeeded: escape.scalar.value)
                written += 1
                continue
            }
            for unit in escape.scalar.utf8 {
                unsafe raw[written] = unit
                written += 1
            }
        }
    }
}

/// Copies what stands before the first backslash in `range`, and tells how much that is.
private func copyPlainRun(
    _ bytes: [UInt8], _ range: Range<Int>, to output: UnsafeMutableRawBufferPointer, at start: Int
) -> Int {
    precondition(range.count <= output.count - start)
    return unsafe bytes.withUnsafeBytes { buffer in
        var done = 0
        while range.count - done >= wordSize {
            let word = unsafe buffer.loadUnaligned(
                fromByteOffset: range.lowerBound + done, as: UInt64.self)
            unsafe output.storeBytes(of: word, toByteOffset: start + done, as: UInt64.self)
            let mask = maskOfBytes(in: UInt64(littleEndian: word), equalTo: 0x5C)
            if mask != 0 { return done + mask.trailingZeroBitCount / 8 }
            done += wordSize
        }
        while done < range.count, unsafe buffer[range.lowerBound + done] != 0x5C {
            unsafe output[start + done] = buffer[range.lowerBound + done]
            done += 1
        }
        return done
    }
}
