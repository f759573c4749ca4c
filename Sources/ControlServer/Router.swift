/// Finds the route of a request. Works on the percent-encoded path: `%2F` inside a segment separates nothing.
struct Router: Sendable {
    enum Outcome {
        case found(ControlRoute, parameters: [String: String])
        case notFound
        /// The path exists; `allow` is what it takes, for the Allow field.
        case methodNotAllowed(allow: [String])
        /// An escape in the path is broken, or its bytes are not UTF-8.
        case malformed
    }

    private enum Segment: Equatable {
        case literal(String)
        case parameter(String)
    }

    private let table: [(segments: [Segment], route: ControlRoute)]

    init(_ routes: [ControlRoute]) {
        table = routes.map { route in
            let segments = Self.split(route.pattern).map { segment -> Segment in
                segment.hasPrefix("{") && segment.hasSuffix("}")
                    ? .parameter(String(segment.dropFirst().dropLast()))
                    : .literal(String(segment))
            }
            return (segments, route)
        }
    }

    func route(method: String, path: String) -> Outcome {
        let segments = Self.split(path)
        let onPath = table.filter { Self.matches($0.segments, segments) }
        guard let best = onPath.map({ Self.literals($0.segments) }).max() else { return .notFound }
        let candidates = onPath.filter { Self.literals($0.segments) == best }
        let wanted = method == "HEAD" ? "GET" : method
        guard let (pattern, route) = candidates.first(where: { $0.route.method == wanted }) else {
            return .methodNotAllowed(allow: Self.allowed(candidates.map(\.route.method)))
        }
        guard let parameters = Self.parameters(pattern, segments) else { return .malformed }
        return .found(route, parameters: parameters)
    }

    private static func split(_ path: String) -> [Substring] {
        path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Substring($0) }
    }

    private static func matches(_ pattern: [Segment], _ path: [Substring]) -> Bool {
        pattern.count == path.count
            && zip(pattern, path).allSatisfy { segment, text in
                switch segment {
                case .literal(let literal): literal == text
                case .parameter: !text.isEmpty
                }
            }
    }

    private static func literals(_ pattern: [Segment]) -> Int {
        pattern.count { if case .literal = $0 { true } else { false } }
    }

    private static func allowed(_ methods: [String]) -> [String] {
        (methods.contains("GET") ? methods + ["HEAD"] : methods).sorted()
    }

    private static func parameters(_ pattern: [Segment], _ path: [Substring]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for case (.parameter(let name), let text) in zip(pattern, path) {
            guard let value = percentDecoded(text.utf8) else { return nil }
            parameters[name] = value
        }
        return parameters
    }
}
