internal import AWSProtocol
internal import ControlAPI
internal import ControlServer
internal import Domain
internal import FailureStore
internal import Foundation

/// Reads what a request asks for; throws the problem to answer.
struct RequestReader {
    let request: ControlRequest
    /// Set for a request that may come again.
    var keyedRequest: KeyedRequest?

    init(request: ControlRequest) {
        self.request = request
    }

    /// The request under its Idempotency-Key; nil without one.
    func keyed(at time: Timestamp) throws(ProblemReply) -> KeyedRequest? {
        let keys = request.headers.filter { $0.name.lowercased() == "idempotency-key" }
        guard let key = keys.first?.value else { return nil }
        guard keys.count == 1, (1...255).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw ProblemCode.badRequest.problem(
                "Idempotency-Key is given once, with 1 to 255 visible ASCII characters")
        }
        let asked = Array("\(request.method) \(request.path)\n".utf8) + request.body
        return KeyedRequest(uid: request.peer.uid, key: key, digest: sha256(asked), at: time)
    }

    /// Refuses parameters that the route does not know, and repeated ones: a filter that is silently ignored lists
    /// too much.
    func checkQuery(_ known: [String]) throws(ProblemReply) {
        var seen: Set<String> = []
        for (name, _) in request.query {
            guard known.contains(name) else {
                let list = known.isEmpty ? "none" : known.joined(separator: ", ")
                throw ProblemCode.unknownFilter.problem(
                    "unknown parameter \(name.prefix(60)): this route knows \(list)")
            }
            guard seen.insert(name).inserted else {
                throw ProblemCode.badRequest.problem("\(name) is given twice: once is enough")
            }
        }
    }

    func query(_ name: String) -> String? {
        request.query.first { $0.name == name }?.value
    }

    /// 1 … 1000, default 100.
    func limit() throws(ProblemReply) -> Int {
        guard let text = query("limit") else { return 100 }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw ProblemCode.badRequest.problem(
                "limit=\(text.prefix(60)) must be a whole number from 1 to 1000")
        }
        return limit
    }

    /// The cursor of a list that goes by one text.
    func textCursor() throws(ProblemReply) -> String? {
        guard let cursor = query("cursor") else { return nil }
        guard let bytes = base64URLDecoded(cursor),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw badCursor }
        return text
    }

    /// The cursor of the list of rules.
    func ruleCursor() throws(ProblemReply) -> RuleName? {
        guard let text = try textCursor() else { return nil }
        guard let rule = RuleName(text) else { throw badCursor }
        return rule
    }

    /// The cursor of a list that goes by number.
    func numberCursor() throws(ProblemReply) -> Int64? {
        guard let text = try textCursor() else { return nil }
        guard let number = Int64(text) else { throw badCursor }
        return number
    }

    private var badCursor: ProblemReply {
        ProblemCode.badCursor.problem(
            "the cursor is not one of this list's: take nextCursor of the page before as it is")
    }

    func filter() throws(ProblemReply) -> FailureFilter {
        var filter = FailureFilter()
        for (name, value) in request.query {
            do {
                _ = try filter.set(name, to: value)
            } catch {
                throw error.code.problem(error.sentence)
            }
        }
        return filter
    }

    func order() throws(ProblemReply) -> FailureQuery.Order {
        guard let text = query("order") else { return .key }
        guard let order = FailureQuery.Order(rawValue: text) else {
            throw ProblemCode.badRequest.problem(
                "order=\(text.prefix(60)) must be one of key, newest, oldest")
        }
        return order
    }

    /// Refuses members of the body, and of its filter, that the route does not know: ignored in silence, a misspelt
    /// filter would change too much.
    func checkMembers(_ known: [String]) throws(ProblemReply) {
        let body = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
        try check(body?.keys, known, "the body")
        let filter = body?["filter"] as? [String: Any]
        try check(filter?.keys, FailureFilter.names, "filter")
    }

    private func check(
        _ names: (some Sequence<String>)?, _ known: [String], _ place: String
    ) throws(ProblemReply) {
        guard let unknown = names?.first(where: { !known.contains($0) }) else { return }
        throw ProblemCode.unknownFilter.problem(
            "unknown member \(unknown.prefix(60)) of \(place): this route knows "
                + known.joined(separator: ", "))
    }

    func body<Body: Decodable>(_ type: Body.Type) throws(ProblemReply) -> Body {
        do {
            return try JSONDecoder().decode(type, from: Data(request.body))
        } catch let error as DecodingError {
            throw ProblemCode.badRequest.problem("the body does not fit: \(sentence(error))")
        } catch {
            throw ProblemCode.badRequest.problem("the body is not JSON")
        }
    }

    private func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "\(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .dataCorrupted(let context):
            context.codingPath.map(\.stringValue).joined(separator: ".") + " "
                + context.debugDescription
        @unknown default: "it is not what this route takes"
        }
    }
}

/// The typed form of a filter, or the problem.
func selection(of filter: FailureFilter) throws(ProblemReply) -> FailureSelection {
    do {
        return try filter.selection()
    } catch {
        throw error.code.problem(error.sentence)
    }
}

/// A cursor made of one text.
func cursor(_ text: String) -> String {
    base64URL(Array(text.utf8))
}
