// All memory access without the language's own checks is in this file. Each function names the bound that it keeps.
// Words are loaded little-endian, so the lowest set bit of a mask belongs to the first matching byte; the masks may
// have false bits above a true one (the borrow of a subtraction), never below.

private let ones: UInt64 = 0x0101_0101_0101_0101
private let highBits: UInt64 = 0x8080_8080_8080_8080
private let wordSize = 8
private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")

@inline(__always)
private func maskOfBytes(in word: UInt64, equalTo byte: UInt64) -> UInt64 {
    let difference = word ^ (ones &* byte)
    return (difference &- ones) & ~difference & highBits
}

/// Of quotes, backslashes, control characters and bytes of 0x80 or more. Exclusive-or with 2 puts the quote right
/// behind the control characters, which it leaves among themselves, so that one comparison tells both.
@inline(__always)
private func maskOfNotPlain(in word: UInt64) -> UInt64 {
    let controlsOrQuotes = (word ^ (ones &* 0x02)) &- ones &* 0x21
    let backslashes = (word ^ (ones &* 0x5C)) &- ones
    return (controlsOrQuotes | backslashes | word) & highBits
}

/// The first index from `start` whose byte is neither plain string content nor part of an escape of two bytes, which
/// `hasEscapes` tells of: a quote, a control character, a byte of 0x80 or more, or the backslash of any other escape;
/// `bytes.count` when there is none. Loads stay below `bytes.count`.
func endOfSimpleContent(
    _ bytes: [UInt8], from start: Int, hasEscapes: inout Bool
) -> Int {
    precondition(start >= 0 && start <= bytes.count)
    return unsafe bytes.withUnsafeBytes { buffer in
        var index = start
        while true {
            while buffer.count - index >= wordSize {
                let word = unsafe UInt64(
                    littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let mask = maskOfNotPlain(in: word)
                index += mask == 0 ? wordSize : mask.trailingZeroBitCount / 8
                if mask != 0 { break }
            }
            while index < buffer.count, unsafe isPlain(buffer[index]) { index += 1 }
            guard buffer.count - index >= 2, unsafe buffer[index] == backslash,
                unsafe isSimpleEscape(buffer[index + 1])
            else { return index }
            hasEscapes = true
            index += 2
        }
    }
}

@inline(__always)
private func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x80 && byte != quote && byte != backslash
}

/// Stands behind a backslash for itself.
@inline(__always)
private func isItsOwnEscape(_ byte: UInt8) -> Bool {
    byte == quote || byte == backslash || byte == UInt8(ascii: "/")
}

/// RFC 8259, section 7: what may stand behind a backslash, `u` aside.
@inline(__always)
private func isSimpleEscape(_ byte: UInt8) -> Bool {
    switch byte {
    case quote, backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
        UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
        true
    default: false
    }
}

/// Whether `bytes[range]` is the literal. Loads stay inside `range` and inside the literal, which is as long.
func equal(_ bytes: [UInt8], _ range: Range<Int>, _ literal: StaticString) -> Bool {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    guard range.count == literal.utf8CodeUnitCount else { return false }
    return unsafe bytes.withUnsafeBytes { buffer in
        let found = unsafe UnsafeRawBufferPointer(rebasing: buffer[range])
        return unsafe isEqual(found, literal)
    }
}

/// Loads stay inside `found` and inside the literal, which has as many bytes at least.
@inline(__always)
private func isEqual(_ found: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
    guard literal.hasPointerRepresentation, literal.utf8CodeUnitCount >= found.count else {
        return false
    }
    let expected = unsafe UnsafeRawBufferPointer(start: literal.utf8Start, count: found.count)
    var index = 0
    while found.count - index >= wordSize {
        let left = unsafe found.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        let right = unsafe expected.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        if left != right { return false }
        index += wordSize
    }
    while index < found.count {
        if unsafe found[index] != expected[index] { return false }
        index += 1
    }
    return true
}

/// The first bytes of a name, where no array need be kept alive for them.
struct NameHead {
    static let size = 32
    private var words: SIMD4<UInt64> = .zero

    /// - Parameter range: at most `size` bytes of `bytes`.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        precondition(range.count <= Self.size)
        unsafe bytes.withUnsafeBytes { buffer in
            if buffer.count - range.lowerBound >= Self.size {
                // What follows the name comes along, and is never looked at.
                words = unsafe buffer.loadUnaligned(
                    fromByteOffset: range.lowerBound, as: SIMD4<UInt64>.self)
            } else {
                unsafe withUnsafeMutableBytes(of: &words) { head in
                    unsafe head.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[range]))
                }
            }
        }
    }

    /// - Parameter length: of the name, and of the literal.
    func equals(_ literal: StaticString, length: Int) -> Bool {
        unsafe withUnsafeBytes(of: words) { head in
            unsafe isEqual(UnsafeRawBufferPointer(rebasing: head[..<length]), literal)
        }
    }
}

/// The contents of a scanned string with its escapes undone: `range` lies inside the quotes of a valid string, so an
/// escape is never shorter than what it stands for. Hence `written <= read`, and a whole word may be stored wherever
/// one may be loaded; stores of what an escape stands for are tested.
func unescaped(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    return unsafe [UInt8](unsafeUninitializedCapacity: range.count) { output, written in
        let raw = UnsafeMutableRawBufferPointer(output)
        unsafe bytes.withUnsafeBytes { buffer in
            var read = range.lowerBound
            while read < range.upperBound {
                if range.upperBound - read >= wordSize {
                    let word = unsafe buffer.loadUnaligned(fromByteOffset: read, as: UInt64.self)
                    unsafe raw.storeBytes(of: word, toByteOffset: written, as: UInt64.self)
                    let mask = maskOfBytes(
                        in: UInt64(littleEndian: word), equalTo: UInt64(backslash))
                    let plain = mask == 0 ? wordSize : mask.trailingZeroBitCount / 8
                    read += plain
                    written += plain
                    if mask == 0 { continue }
                } else if unsafe buffer[read] != backslash {
                    unsafe raw[written] = buffer[read]
                    read += 1
                    written += 1
                    continue
                }
                if range.upperBound - read >= 2, unsafe isItsOwnEscape(buffer[read + 1]) {
                    unsafe raw[written] = buffer[read + 1]
                    read += 2
                    written += 1
                    continue
                }
                let escape = decodedEscape(bytes, at: read)
                read += escape.length
                precondition(written + UTF8.width(escape.scalar) <= range.count)
                for unit in escape.scalar.utf8 {
                    unsafe raw[written] = unit
                    written += 1
                }
            }
        }
    }
}
