import Testing

@testable import AWSProtocol

// RFC 4231, test cases 2 (a short key), 4 (a key shorter than a block) and 6 (a key longer than a block).
@Test(arguments: [
    (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
        Array(UInt8(1)...25), [UInt8](repeating: 0xCD, count: 50),
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    ),
    (
        [UInt8](repeating: 0xAA, count: 131),
        Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
])
func `HMAC-SHA-256 is RFC 2104's`(key: [UInt8], message: [UInt8], expected: String) {
    #expect(hexadecimal(hmacSHA256(key: key, message)) == expected)
}

// FIPS 180-2, appendix B.
@Test func `SHA-256 of nothing and of abc`() {
    #expect(
        hexadecimal(sha256([]))
            == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
        hexadecimal(sha256(Array("abc".utf8)))
            == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
}
