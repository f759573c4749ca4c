internal import ArgumentParser
internal import ControlAPI

struct RemediationsListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists remediations.",
        discussion: "Example: s3remedy remediations list --limit 10")

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        try await session.list("/v1/remediations", limit: limit.limit) {
            (items: [RemediationItem], hasMore) throws(CommandFailure) in
            lines(items, hasMore, session)
        }
        return .ok
    }

    private func lines(
        _ items: [RemediationItem], _ hasMore: Bool, _ session: Session
    ) -> [String] {
        guard let first = items.first else {
            return ["There was no remediation yet."] + session.output.next("s3remedy rules")
        }
        var table = TextTable(columns: [
            .init(title: "ID", minimum: 8), .init(title: "RULE", minimum: 12),
            .init(title: "STATE", minimum: 8), .init(title: "OBJECTS", isNumber: true),
            .init(title: "REPLICATED", shortTitle: "REPLIC", isNumber: true),
            .init(title: "FAILED AGAIN", shortTitle: "FAILED", isNumber: true),
            .init(title: "CREATED", isNumber: true), .init(title: "BY", minimum: 6, dropRank: 1),
        ])
        table.rows = items.map { item in
            [
                shown(item.id), shown(item.ruleName), shown(item.state), grouped(item.objects),
                grouped(item.outcome.replicated), grouped(item.outcome.failedAgain),
                session.age(item.createdAt), shown(item.createdBy),
            ]
        }
        return session.output.lines(of: table)
            + (hasMore ? ["", "More: s3remedy remediations list -o ndjson"] : [])
            + session.output.next("s3remedy remediations show " + shellWord(first.id))
    }
}
