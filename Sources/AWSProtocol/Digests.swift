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
package func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    unsafe HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &length)
    return code
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
