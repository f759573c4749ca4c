internal import ArgumentParser
internal import ControlAPI
internal import Domain

/// `--state`: one state, or `all`.
enum StateChoice: ExpressibleByArgument, Sendable {
    case all
    case one(FailureState)

    init?(argument: String) {
        if argument == "all" {
            self = .all
        } else {
            guard let state = FailureState(name: argument) else { return nil }
            self = .one(state)
        }
    }

    static var allValueStrings: [String] { FailureState.allCases.map(\.name) + ["all"] }
    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
    var defaultValueDescription: String { word }

    var word: String {
        switch self {
        case .all: "all"
        case .one(let state): state.name
        }
    }
}

/// `--order`.
enum ListOrder: String, CaseIterable, ExpressibleByArgument, Sendable {
    case key, newest, oldest
}

struct FailuresListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists failures: object versions that a rule did not replicate.",
        discussion: """
            Shows open failures unless --state says otherwise. Control characters in keys are shown escaped; \
            -o json holds the exact key in keyEncoded.

            Examples: s3remedy failures list --rule orders/replicate-all --reason-class kms
                      s3remedy failures list --rule orders/replicate-all --order oldest --limit 10
                      s3remedy failures list --state all --since 24h -o csv > failures.csv
            """)

    @Option(help: ArgumentHelp("Only this rule, as BUCKET/RULE-ID.", valueName: "rule"))
    var rule: RuleName?

    @Option(help: "Only this source bucket.")
    var bucket: String?

    @Option(help: "Only this state.")
    var state = StateChoice.one(.open)

    @Option(help: "By key, or by when they failed last: that needs --rule, and open ones.")
    var order = ListOrder.key

    @OptionGroup var filters: FilterOptions
    @OptionGroup var limit: LimitOption
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard order == .key || (rule != nil && state.word == "open") else {
            throw ValidationError("--order \(order) needs --rule BUCKET/RULE-ID and open failures.")
        }
    }

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let filter = filter(at: session.now)
        let query = filter.query + (order == .key ? [] : [(name: "order", value: order.rawValue)])
        try await session.list("/v1/failures", query, limit: limit.limit) {
            (items: [FailureItem], hasMore) throws(CommandFailure) in
            guard let first = items.first else { return nothing(session.output) }
            let more = hasMore ? await self.more(items.count, filter, session) : []
            return table(items, session) + more
                + session.output.next(showCommand(for: first, width: session.output.width))
        }
        return .ok
    }

    private func filter(at now: Timestamp) -> FailureFilter {
        var filter = filters.filter(at: now)
        filter.rule = rule?.text
        filter.bucket = bucket
        if case .one(let state) = state { filter.state = state.name }
        return filter
    }

    private func nothing(_ screen: Screen) -> [String] {
        if case .all = state { return ["No failure fits."] + screen.next("s3remedy status") }
        return ["No \(state.word) failure fits."]
            + screen.next("s3remedy failures list --state all")
    }

    private func table(_ items: [FailureItem], _ session: Session) -> [String] {
        var columns: [(TextTable.Column, (FailureItem) -> String)] = [
            (.init(title: "KEY", minimum: 16), { shown($0.key) }),
            (.init(title: "VERSION", minimum: 8, dropRank: 2), { shown($0.versionId) }),
        ]
        if rule == nil {
            columns.append(
                (.init(title: "RULE", minimum: 12), { shown($0.sourceBucket + "/" + $0.ruleId) }))
        }
        columns.append(
            (
                .init(title: "DESTINATION", minimum: 10, dropRank: 3),
                { shown($0.destinationBucket) }
            ))
        if case .all = state { columns.append((.init(title: "STATE"), { shown($0.state) })) }
        columns += [
            (.init(title: "REASON", minimum: 18, elidesEnd: true), { shown($0.reason ?? "-") }),
            (.init(title: "SIZE", isNumber: true, dropRank: 1), { $0.size.map(size) ?? "-" }),
            (
                .init(title: "LAST FAILED", shortTitle: "FAILED", isNumber: true),
                { session.age($0.lastFailedAt) }
            ),
        ]
        var table = TextTable(columns: columns.map(\.0))
        table.rows = items.map { item in columns.map { $0.1(item) } }
        return session.output.lines(of: table)
    }

    private func more(
        _ shownCount: Int, _ filter: FailureFilter, _ session: Session
    ) async -> [String] {
        let sorted = order == .key ? "" : "--order \(order) "
        let options = (filter.options.isEmpty ? "" : filter.options + " ") + sorted
        let all = "s3remedy failures list \(state.isAll ? "--state all " : "")\(options)-o ndjson"
        // A table without a total is better than none.
        guard let total = (try? await total(filter, session)) ?? nil, total > shownCount else {
            return ["", "More than the \(grouped(shownCount)) shown. All: \(all)"]
        }
        return ["", "\(grouped(total - Int64(shownCount))) more. All: \(all)"]
    }

    /// The number of failures that fit, where the rules' counts tell: they know rule, bucket and state only.
    private func total(
        _ filter: FailureFilter, _ session: Session
    ) async throws(CommandFailure) -> Int64? {
        var rest = filter
        (rest.rule, rest.bucket, rest.state) = (nil, nil, nil)
        guard rest == FailureFilter() else { return nil }
        let rules: [RuleItem]
        if let rule {
            rules = [try await session.client.get(rule.path)]
        } else {
            rules = try await session.client.all("/v1/rules")
        }
        return rules.filter { bucket == nil || $0.sourceBucket == bucket }
            .reduce(0) { $0 &+ $1.counts.count(state) }
    }
}

extension StateChoice {
    var isAll: Bool {
        if case .all = self { true } else { false }
    }
}

extension RuleItem.Counts {
    func count(_ choice: StateChoice) -> Int64 {
        guard case .one(let state) = choice else {
            return FailureState.allCases.reduce(0) { $0 &+ count(.one($1)) }
        }
        switch state {
        case .open: return open
        case .submitted: return submitted
        case .verifying: return verifying
        case .replicated: return replicated
        case .parked: return parked
        case .gone: return gone
        case .dismissed: return dismissed
        }
    }
}
