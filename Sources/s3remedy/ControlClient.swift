internal import ControlAPI
internal import Domain
internal import FoundationEssentials
internal import Glibc
internal import HTTPTransport
internal import SystemIO

/// The daemon's control channel, as the verbs use it.
struct ControlClient: Sendable {
    let exchange: any HTTPExchanging
    let socket: String

    /// Over the daemon's Unix socket.
    init(socket: String) {
        self.socket = socket
        exchange = CurlExchange(
            options: CurlOptions(unixSocket: socket, userAgent: "s3remedy/\(programVersion)"))
    }

    func get<Reply: Decodable>(
        _ path: String, _ query: [(name: String, value: String)] = []
    ) async throws(CommandFailure) -> Reply {
        let text = query.map { $0.name + "=" + segment($0.value) }.joined(separator: "&")
        let url = path + (text.isEmpty ? "" : "?" + text)
        return try await send(HTTPRequest(method: "GET", url: "http://localhost" + url))
    }

    /// A change: with a key of its own, so that it is made once however often it is sent. A plan HEADs up to 100,000
    /// objects first, hence the long deadline.
    func post<Reply: Decodable>(
        _ path: String, _ body: some Encodable
    ) async throws(CommandFailure) -> Reply {
        let random = SystemRandom()
        let key = String(random.next(), radix: 16) + "-" + String(random.next(), radix: 16)
        let request = HTTPRequest(
            method: "POST", url: "http://localhost" + path,
            headers: [("Content-Type", "application/json"), ("Idempotency-Key", key)],
            body: Array(json(body).utf8), deadline: .seconds(600))
        return try await send(request)
    }

    /// Hands over the items page by page, following the cursor until `limit` items were seen or none is left, also
    /// over pages that are short or empty. Returns whether there are more.
    func forEachPage<Item: ControlItem>(
        _ path: String, _ query: [(name: String, value: String)], limit: Int?,
        _ body: ([Item]) async throws(CommandFailure) -> Void
    ) async throws(CommandFailure) -> Bool {
        var cursor: String?
        var remaining = limit ?? .max
        repeat {
            var pageQuery = query + [(name: "limit", value: String(min(1000, remaining)))]
            if let cursor { pageQuery.append((name: "cursor", value: cursor)) }
            let page: Page<Item> = try await get(path, pageQuery)
            try await body(Array(page.items.prefix(remaining)))
            if page.items.count > remaining { return true }
            remaining -= page.items.count
            guard page.nextCursor == nil || page.nextCursor != cursor else {
                throw .notUnderstood(
                    "the daemon's list \(path) does not advance: same cursor twice.")
            }
            cursor = page.nextCursor
        } while cursor != nil && remaining > 0
        return cursor != nil
    }

    /// All items of a list that is known to be small.
    func all<Item: ControlItem>(
        _ path: String, _ query: [(name: String, value: String)] = []
    ) async throws(CommandFailure) -> [Item] {
        var items: [Item] = []
        _ = try await forEachPage(path, query, limit: nil) { (page: [Item]) in items += page }
        return items
    }

    /// An answer that is no JSON, as it came.
    func text(_ path: String) async throws(CommandFailure) -> String {
        let request = HTTPRequest(method: "GET", url: "http://localhost" + path)
        return String(decoding: try await perform(request), as: UTF8.self)
    }

    private func send<Reply: Decodable>(
        _ request: HTTPRequest
    ) async throws(CommandFailure) -> Reply {
        let body = try await perform(request)
        do {
            return try JSONDecoder().decode(Reply.self, from: body)
        } catch {
            throw .notUnderstood(
                "the daemon's answer to \(request.method) \(request.url) is not understood "
                    + "(\(shown("\(error)"))). Are s3remedy \(programVersion) and the daemon of one version?"
            )
        }
    }

    private func perform(_ request: HTTPRequest) async throws(CommandFailure) -> Data {
        let reply: HTTPReply
        do {
            reply = try await performTwice(request)
        } catch {
            throw failure(error)
        }
        let body = Data(reply.body)
        guard (200..<300).contains(reply.status) else {
            throw refusal(reply.status, body, of: request)
        }
        return body
    }

    /// Every request may be sent again: reads change nothing, changes have a key. Once is enough for a daemon that went
    /// away under a request and came back.
    private func performTwice(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPReply {
        do {
            return try await exchange.perform(request)
        } catch .noReply(let sentence) {
            do {
                return try await exchange.perform(request)
            } catch .notSent {
                // What became of the first is still unknown.
                throw .noReply(sentence)
            }
        }
    }

    private func refusal(
        _ status: Int, _ body: Data, of request: HTTPRequest
    ) -> CommandFailure {
        if let problem = try? JSONDecoder().decode(ProblemReply.self, from: body) {
            return .refused(status: status, code: problem.code, detail: problem.detail)
        }
        return .refused(
            status: status, code: "status\(status)",
            detail: "the daemon answered \(request.method) \(request.url) without a reason")
    }

    private func failure(_ failure: HTTPFailure) -> CommandFailure {
        switch failure {
        case .notSent(let sentence):
            let missing = unsafe access(socket, R_OK | W_OK) != 0
            if missing && errno == EACCES { return .socketForbidden(socket) }
            return .unreachable(
                socket: socket, cause: missing ? "no such socket" : sentence,
                unit: DaemonUnit())
        case .noReply(let sentence), .deadlineExceeded(let sentence):
            return .noAnswer(shown(sentence) + ". Try again; s3remedy status shows the daemon.")
        case .replyTooLarge(let sentence):
            return .notUnderstood(shown(sentence) + ".")
        case .cancelled:
            return .noAnswer("the request was cancelled.")
        }
    }
}

/// One segment of a path or a value of a query, encoded.
func segment(_ text: String) -> String {
    percentEncoded(Array(text.utf8), keeping: .nothing)
}
