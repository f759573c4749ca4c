internal import HTTPTransport
internal import SystemIO

/// What every user of the port is: an actor on a queue that may block.
actor Caller {
    nonisolated let executor = QueueExecutor.blocking("caller")
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }
    nonisolated let exchange: CurlExchange

    init(_ options: CurlOptions = CurlOptions()) {
        exchange = CurlExchange(options: options)
    }

    func perform(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPReply {
        try await exchange.perform(request)
    }

    /// Reads lines until `last` was among them.
    func lines(_ request: HTTPRequest, until last: String) async throws(HTTPFailure)
        -> (reply: HTTPReply, lines: [Substring])
    {
        var bytes: [UInt8] = []
        func lines() -> [Substring] {
            String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        }
        let reply = try await exchange.stream(request) { piece in
            bytes += piece
            return !lines().contains { $0 == last }
        }
        return (reply, lines())
    }

    func failure(_ request: HTTPRequest) async -> HTTPFailure? {
        do {
            _ = try await exchange.perform(request)
            return nil
        } catch {
            return error
        }
    }

    /// The reply's body, or the failure's case and sentence.
    func outcome(_ url: String) async -> String {
        do {
            let reply = try await exchange.perform(HTTPRequest(method: "GET", url: url))
            return String(decoding: reply.body, as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }
}
