internal import ArgumentParser
internal import ControlAPI
internal import Domain

struct RulesVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Shows the replication rules with what failed under them, or one rule in full.",
        discussion: """
            Without RULE, a table of all rules. With RULE, its counts, its reasons by destination and its lag.

            Examples: s3remedy rules
                      s3remedy rules orders/replicate-all
            """)

    @Argument(help: ArgumentHelp("The rule, as BUCKET/RULE-ID.", valueName: "rule"))
    var rule: RuleName?

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        if let rule {
            let item: RuleItem = try await session.client.get(rule.path)
            try session.show(item) { detail(of: $0, session) }
        } else {
            try await session.list("/v1/rules", limit: limit.limit) {
                (items: [RuleItem], hasMore) throws(CommandFailure) in
                overview(items, hasMore, session)
            }
        }
        return .ok
    }

    private func overview(_ items: [RuleItem], _ hasMore: Bool, _ session: Session) -> [String] {
        guard !items.isEmpty else {
            return ["No rule has failed yet."] + session.output.next("s3remedy status")
        }
        var table = TextTable(columns: [
            .init(title: "RULE", minimum: 12), .init(title: "OPEN", isNumber: true),
            .init(title: "BYTES", isNumber: true), .init(title: "OLDEST", isNumber: true),
            .init(title: "TOP REASON", minimum: 12, elidesEnd: true),
            .init(title: "SUBMITTED", shortTitle: "SUBM", isNumber: true, dropRank: 2),
            .init(title: "VERIFYING", shortTitle: "VERIF", isNumber: true, dropRank: 3),
            .init(title: "REPLICATED", shortTitle: "REPL", isNumber: true, dropRank: 4),
            .init(title: "PARKED", shortTitle: "PARK", isNumber: true, dropRank: 1),
        ])
        table.rows = items.map { item in
            [
                shown(item.name), grouped(item.counts.open), size(item.openBytes),
                item.oldestOpenAt.map {
                    span(milliseconds: max(0, session.now.milliseconds - $0.milliseconds))
                } ?? "-",
                item.reasons.first.map { shown($0.reason) } ?? "-",
                grouped(item.counts.submitted), grouped(item.counts.verifying),
                grouped(item.counts.replicated), grouped(item.counts.parked),
            ]
        }
        let worst = items.max { $0.counts.open < $1.counts.open }
        return session.output.lines(of: table)
            + (hasMore ? ["", "More: s3remedy rules -o ndjson"] : [])
            + session.output.next("s3remedy rules " + shellWord(worst?.name ?? "RULE"))
    }

    private func detail(of item: RuleItem, _ session: Session) -> [String] {
        let counts = item.counts
        let lines = session.output.fields([
            ("Rule", shown(item.name)), ("Region", shown(item.region)),
            ("Open", grouped(counts.open) + " (" + size(item.openBytes) + ")"),
            ("Submitted", grouped(counts.submitted)), ("Verifying", grouped(counts.verifying)),
            ("Replicated", grouped(counts.replicated)), ("Parked", grouped(counts.parked)),
            ("Gone", grouped(counts.gone)), ("Dismissed", grouped(counts.dismissed)),
            ("Oldest open", session.moment(item.oldestOpenAt)),
            ("Newest failure", session.moment(item.newestFailedAt)),
            ("Behind threshold", lag(item.lag, session)),
        ])
        let next =
            counts.open > 0
            ? "s3remedy remediate \(shellWord(item.name)) --dry-run"
            : "s3remedy failures list --state all --rule \(shellWord(item.name))"
        return lines + reasons(item, session.output) + session.output.next(next)
    }

    private func reasons(_ item: RuleItem, _ screen: Screen) -> [String] {
        guard !item.reasons.isEmpty else { return [] }
        var table = TextTable(columns: [
            .init(title: "OPEN", isNumber: true),
            .init(title: "REASON", minimum: 12, elidesEnd: true),
            .init(title: "CLASS"), .init(title: "DESTINATION", minimum: 12),
        ])
        table.rows = item.reasons.map {
            [
                grouped($0.open), shown($0.reason), shown($0.reasonClass),
                shown($0.destinationBucket),
            ]
        }
        return [""] + screen.lines(of: table)
    }

    private func lag(_ lag: RuleItem.Lag, _ session: Session) -> String {
        "\(counted(lag.missedThreshold, "version")) late, \(grouped(lag.notTracked)) no longer tracked"
            + (lag.oldestMissedAt.map { ", oldest " + momentAndAge($0, at: session.now) } ?? "")
    }
}

extension RuleItem {
    var name: String { sourceBucket + "/" + ruleId }
}
