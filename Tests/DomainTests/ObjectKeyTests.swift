internal import Domain
internal import TestSupport
import Testing

@Test func `every byte is encoded as RFC 3986 says and comes back`() {
    let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    for byte in 0...255 as ClosedRange<UInt8> {
        let digits = String(byte, radix: 16, uppercase: true)
        let escape = "%" + (byte < 16 ? "0" : "") + digits
        let plain = String(Unicode.Scalar(byte))
        let key = ObjectKey(bytes: [byte])
        let staysInKeys = unreserved.contains(byte) || byte == UInt8(ascii: "/")
        #expect(key.encoded == (staysInKeys ? plain : escape))
        #expect(
            percentEncoded([byte], keeping: .nothing)
                == (unreserved.contains(byte) ? plain : escape))
        #expect(ObjectKey(encoded: key.encoded) == key)
        #expect(ObjectKey(encoded: escape.lowercased()) == key)
        #expect(ObjectKey(formEncoded: Array(escape.utf8)) == key)
    }
    print("bytes: 256")
}

@Test func `random keys come back from both encodings`() {
    var generator = SeededGenerator(seed: 9)
    let count = 10_000
    for round in 0..<count {
        let bytes = (0..<Int.random(in: 0...100, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        let key = ObjectKey(bytes: bytes)
        #expect(ObjectKey(encoded: key.encoded) == key, "round \(round)")
        var form: [UInt8] = []
        for byte in bytes {
            form +=
                byte == 0x20 ? [UInt8(ascii: "+")] : Array(ObjectKey(bytes: [byte]).encoded.utf8)
        }
        #expect(ObjectKey(formEncoded: form) == key, "round \(round)")
    }
    print("random keys: \(count)")
}

@Test func `a plus is a space only in a form`() {
    #expect(ObjectKey("a b+c%2F").encoded == "a%20b%2Bc%252F")
    #expect(ObjectKey(encoded: "a+b")?.text == "a+b")
    #expect(ObjectKey(formEncoded: Array("a+b%2Bc".utf8))?.text == "a b+c")
}

@Test func `an incomplete or malformed escape is refused`() {
    let cases = ["%", "a%", "%4", "a%4", "%G0", "%0G", "%%41", "%-1", "%+1", "% 1", "%4%41", "%é0"]
    for text in cases {
        #expect(ObjectKey(encoded: text) == nil, "\(text)")
        #expect(ObjectKey(formEncoded: Array(text.utf8)) == nil, "\(text)")
    }
    print("malformed escapes: \(cases.count)")
}

@Test func `keys are ordered by their bytes, as S3 lists them`() {
    let keys: [[UInt8]] = [
        [], [0], [0x41], [0x41, 0x00], [0x41, 0x41], [0x61], [0x7F], [0xC3], [0xFF],
    ]
    let sorted = keys.shuffled().map(ObjectKey.init(bytes:)).sorted()
    #expect(sorted.map(\.bytes) == keys)
    // U+FFFF sorts before U+10000 in bytes, behind it in UTF-16.
    #expect(ObjectKey("\u{FFFF}") < ObjectKey("\u{10000}"))
}
