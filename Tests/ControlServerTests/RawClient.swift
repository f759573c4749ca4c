internal import Dispatch
internal import Glibc

/// A reply as it came over the socket.
struct RawReply: Sendable, Equatable {
    var status: Int
    var headers: [String: String]
    var body: String
}

struct ClientFailure: Error {
    let what: String
    let errno: Int32
}

/// A blocking HTTP client that sends exactly the bytes it is given. Every read is bounded by 2 minutes, so that a server
/// that hangs fails its test.
final class RawClient: Sendable {
    let descriptor: Int32
    private let unread = Unread()

    /// Confined to whoever uses the client.
    private final class Unread: @unchecked Sendable {
        var bytes: [UInt8] = []
    }

    init(_ path: String) throws {
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue
        descriptor = socket(AF_UNIX, Int32(type), 0)
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard withUnixAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
            throw ClientFailure(what: "connect", errno: errno)
        }
    }

    /// Over TCP to the loopback.
    init(port: UInt16, isV6: Bool) throws {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(isV6 ? AF_INET6 : AF_INET, type, 0)
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard withLoopback(port, isV6, { connect(descriptor, $0, $1) }) == 0 else {
            throw ClientFailure(what: "connect", errno: errno)
        }
    }

    deinit { close(descriptor) }

    /// What a closed server does not take is dropped: the reply tells.
    func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }

    func get(_ target: String, method: String = "GET", fields: String = "", body: String = "") {
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        send("\(method) \(target) HTTP/1.1\r\nHost: s\r\n\(length)\(fields)\r\n\(body)")
    }

    /// The next reply, or nil when the server has closed. `hasBody` is false after a HEAD.
    func reply(hasBody: Bool = true) throws -> RawReply? {
        guard let status = try line() else { return nil }
        var reply = RawReply(
            status: Int(status.split(separator: " ")[1]) ?? 0, headers: [:], body: "")
        while let field = try line(), !field.isEmpty {
            let parts = field.split(separator: ":", maxSplits: 1)
            reply.headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        if reply.status == 100 { return reply }
        guard hasBody else { return reply }
        if reply.headers["transfer-encoding"] == "chunked" {
            while let chunk = try chunk() { reply.body += chunk }
        } else if let length = reply.headers["content-length"].flatMap({ Int($0) }) {
            reply.body = try take(length) ?? ""
        } else {
            while try fill() {}
            reply.body = try take(unread.bytes.count) ?? ""
        }
        return reply
    }

    /// The next chunk of a chunked body; nil at its end or when the server has closed.
    func chunk() throws -> String? {
        guard let head = try line(), let length = Int(head, radix: 16) else { return nil }
        let data = try take(length)
        _ = try line()
        return length == 0 ? nil : data
    }

    /// The next chunk that is no sign of life alone: a slow machine may give a stream the time for one.
    func streamed() throws -> String? {
        while let chunk = try chunk() { if chunk != "\n" { return chunk } }
        return nil
    }

    /// Without the CRLF; nil when the server has closed.
    func line() throws -> String? {
        while true {
            if let end = unread.bytes.firstIndex(of: 10) {
                let line = String(decoding: unread.bytes[..<end], as: UTF8.self)
                unread.bytes.removeSubrange(...end)
                return line.hasSuffix("\r") ? String(line.dropLast()) : line
            }
            guard try fill() else { return nil }
        }
    }

    private func take(_ length: Int) throws -> String? {
        while unread.bytes.count < length {
            guard try fill() else { return nil }
        }
        defer { unread.bytes.removeFirst(length) }
        return String(decoding: unread.bytes.prefix(length), as: UTF8.self)
    }

    private func fill() throws -> Bool {
        var room = [UInt8](repeating: 0, count: 65_536)
        let length = recv(descriptor, &room, room.count, 0)
        if length < 0, errno != ECONNRESET { throw ClientFailure(what: "recv", errno: errno) }
        unread.bytes += room.prefix(max(0, length))
        return length > 0
    }
}

func withUnixAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

/// Runs blocking work on a thread of its own.
func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "test client").async {
            continuation.resume(with: Result { try body() })
        }
    }
}
