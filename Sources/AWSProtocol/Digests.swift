internal import CCrypto

/// SHA-256 of `bytes`: 32 bytes.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe bytes.withUnsafeBufferPointer { input in
        _ = unsafe SHA256(input.baseAddress, input.count, &digest)
    }
    return digest
}

/// HMAC-SHA-256 of `message`: 32 bytes.
func hmacSHA256(key: [UInt8], _ message: some StringProtocol) -> [UInt8] {
    let input = Array(message.utf8)
    var code = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    unsafe HMAC(EVP_sha256(), key, Int32(key.count), input, input.count, &code, &length)
    return code
}

/// Two lower-case digits per byte.
package func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
        decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
