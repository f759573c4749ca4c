internal import CCrypto

/// Looked up once: OpenSSL 3 otherwise looks the algorithm up by name in every call, which costs as much as the digest
/// of 500 bytes.
// @unchecked: a fetched method is only read, by any number of threads (EVP_MD_fetch(3)), and never freed.
@safe private struct DigestMethod: @unchecked Sendable {
    let method = unsafe EVP_MD_fetch(nil, "SHA256", nil)

    static let sha256 = DigestMethod()
}

/// SHA-256 of `bytes`: 32 bytes.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe bytes.withUnsafeBufferPointer { input in
        let isDone = unsafe EVP_Digest(
            input.baseAddress, input.count, &digest, nil, DigestMethod.sha256.method, nil)
        precondition(isDone == 1, "libcrypto computes no SHA-256")
    }
    return digest
}

/// HMAC-SHA-256 of `message`: 32 bytes. Source: RFC 2104, section 2. OpenSSL 3's own call looks its algorithms up by
/// name each time, which costs three times the work itself.
package func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    let blockSize = 64
    var block = key.count > blockSize ? sha256(key) : key
    block += [UInt8](repeating: 0, count: blockSize - block.count)
    let inner = sha256(block.map { $0 ^ 0x36 } + message)
    return sha256(block.map { $0 ^ 0x5C } + inner)
}

/// Two lower-case digits per byte.
package func hexadecimal(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    appendHexadecimal(bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
}

func appendHexadecimal(_ bytes: [UInt8], to text: inout [UInt8]) {
    for byte in bytes {
        text.append(digit(byte >> 4))
        text.append(digit(byte & 15))
    }
}

private func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
