/// One HTTP request as it goes over the wire.
package struct HTTPRequest: Sendable {
    package var method: String
    /// Absolute and already encoded; sent as it is (dot segments kept).
    package var url: String
    /// In order; names as the caller writes them.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// From start to the last byte of the reply.
    package var deadline: Duration
    /// A reply body beyond it ends the exchange with `replyTooLarge`.
    package var maximumReplyBytes: Int
    /// Doing it twice is as good as once. If not, it goes over a new connection: on a kept one that the server had
    /// closed it would be sent again without knowing what became of the first.
    package var isRepeatable = true

    package init(
        method: String, url: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], deadline: Duration = .seconds(30),
        maximumReplyBytes: Int = 16 * 1024 * 1024
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.deadline = deadline
        self.maximumReplyBytes = maximumReplyBytes
    }
}

/// The reply to one request.
package struct HTTPReply: Sendable {
    package var status: Int
    /// In order of arrival.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of that name, without regard to case.
    package func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}

/// Why there is no reply. Each case carries a sentence that names the host and what happened.
package enum HTTPFailure: Error, Equatable, Sendable {
    /// Name resolution, connecting or TLS failed: nothing was sent.
    case notSent(String)
    /// Sent in part or whole, no complete reply: whether it took effect is unknown.
    case noReply(String)
    case deadlineExceeded(String)
    case replyTooLarge(String)
    case cancelled
}

/// The HTTP port. One exchange is one connection pool and one request at a time; it belongs to one actor.
/// The real one blocks the caller's executor inside `perform` and never hops; a fake suspends.
package protocol HTTPExchanging: AnyObject, Sendable {
    nonisolated(nonsending) func perform(_ request: HTTPRequest) async throws(HTTPFailure)
        -> HTTPReply
    /// Ends the running and every later `perform` with `cancelled`. May be called from any thread.
    func cancel()
}

extension HTTPFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notSent(let sentence), .noReply(let sentence), .deadlineExceeded(let sentence),
            .replyTooLarge(let sentence):
            sentence
        case .cancelled: "the request was cancelled because this part is stopping"
        }
    }
}
