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

/// A digest of bytes that come piece by piece. Not Sendable: it belongs to whoever feeds it.
// @safe: the context is freed with its only owner.
@safe package final class RunningDigest {
    package enum Algorithm: String, Sendable {
        case sha256 = "SHA2-256"
        /// Against damage, not against people: S3 gives it of a report's files.
        case md5 = "MD5"
    }

    // OpenSSL's context, which `deinit` frees.
    private let context: OpaquePointer
    /// Bytes so far.
    package private(set) var byteCount: Int64 = 0

    /// Nil where this host's OpenSSL has no such digest: MD5 on some hosts in FIPS mode.
    package init?(_ algorithm: Algorithm) {
        // No use of it here is about security, which is what FIPS mode forbids MD5 for.
        guard let method = unsafe EVP_MD_fetch(nil, algorithm.rawValue, "-fips") else {
            return nil
        }
        defer { unsafe EVP_MD_free(method) }
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        guard unsafe EVP_DigestInit_ex(context, method, nil) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            return nil
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { input in
            _ = unsafe EVP_DigestUpdate(context, input.baseAddress, input.count)
        }
        byteCount += Int64(bytes.count)
    }

    /// Of all bytes so far, as lower-case hexadecimal digits. More bytes may follow.
    package func hexadecimalDigest() -> String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard let copy = unsafe EVP_MD_CTX_new() else { preconditionFailure("no memory") }
        defer { unsafe EVP_MD_CTX_free(copy) }
        unsafe EVP_MD_CTX_copy_ex(copy, context)
        unsafe EVP_DigestFinal_ex(copy, &digest, &length)
        return hexadecimal(Array(digest[..<Int(length)]))
    }
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
