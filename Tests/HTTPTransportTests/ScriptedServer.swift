internal import Dispatch
internal import Glibc
internal import Synchronization

/// A server on one listening socket that answers request number n, whatever its connection, with step number n of
/// its script.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        /// Sends the bytes and waits for the next request on the connection.
        case reply(String)
        case replyThenClose(String)
        /// Sends the bytes, and nothing more, until the client goes away.
        case replyThenSilence(String)
    }

    struct Request: Sendable {
        /// From 1, in order of arrival.
        var connection: Int
        /// Head and body.
        var text: String
    }

    /// Every request once it was read whole.
    let requests: AsyncStream<Request>
    let port: Int
    private let listener: Int32
    private let sender: AsyncStream<Request>.Continuation
    private let queue = DispatchQueue(label: "scripted-server")
    private let connections = DispatchGroup()
    private let steps: Mutex<ArraySlice<Step>>

    /// - Parameter path: of a Unix socket; nil listens on 127.0.0.1.
    init(unixSocket path: String? = nil, _ script: [Step]) throws {
        (requests, sender) = AsyncStream.makeStream()
        steps = Mutex(script[...])
        let descriptor = socket(
            path == nil ? AF_INET : AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        port = try path.map { try bindUnix(descriptor, $0) } ?? bindLoopback(descriptor)
        guard listen(listener, 8) == 0 else { throw SocketError(code: errno) }
        queue.async { self.serve() }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    /// Everything that was requested, once the server was stopped and every client is gone.
    func all() async -> [Request] { await requests.reduce(into: []) { $0.append($1) } }

    private func serve() {
        var connection = 0
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            connection += 1
            let number = connection
            DispatchQueue(label: "connection").async(group: connections) {
                self.converse(client, number)
                close(client)
            }
        }
        close(listener)
        connections.notify(queue: queue) { self.sender.finish() }
    }

    private func converse(_ client: Int32, _ connection: Int) {
        while let text = readRequest(client) {
            sender.yield(Request(connection: connection, text: text))
            guard let step = steps.withLock({ $0.popFirst() }) else { return }
            switch step {
            case .reply(let text): send(client, text)
            case .replyThenClose(let text): return send(client, text)
            case .replyThenSilence(let text):
                send(client, text)
                return _ = readRequest(client)
            }
        }
    }
}

struct SocketError: Error {
    var code: Int32
}

private func bindLoopback(_ listener: Int32) throws -> Int {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(listener, address, length) | getsockname(listener, address, &length)
        }
    }
    guard code == 0 else { throw SocketError(code: errno) }
    return Int(UInt16(bigEndian: address.sin_port))
}

private func bindUnix(_ listener: Int32, _ path: String) throws -> Int {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let code = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(listener, address, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard code == 0 else { throw SocketError(code: errno) }
    return 0
}

/// One request with its Content-Length's worth of body; nil when the client is gone.
private func readRequest(_ client: Int32) -> String? {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(client, &piece, piece.count)
        guard count > 0 else { return nil }
        bytes += piece[..<count]
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
        let length =
            text[..<end.lowerBound].split(separator: "\r\n")
            .first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
        if text[end.upperBound...].utf8.count >= length { return text }
    }
}

private func send(_ client: Int32, _ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
            Glibc.send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
