internal import ArgumentParser
internal import ControlAPI

struct QuarantineListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists messages that could not be decoded, or not in full.",
        discussion: "Example: s3remedy quarantine list")

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        try await session.list("/v1/quarantine", limit: limit.limit) {
            (items: [QuarantinedItem], hasMore) throws(CommandFailure) in
            lines(items, hasMore, session)
        }
        return .ok
    }

    private func lines(
        _ items: [QuarantinedItem], _ hasMore: Bool, _ session: Session
    ) -> [String] {
        guard let first = items.first else {
            return ["No message is in quarantine."] + session.output.next("s3remedy status")
        }
        var table = TextTable(columns: [
            .init(title: "ID", isNumber: true), .init(title: "RECEIVED", isNumber: true),
            .init(title: "QUEUE", minimum: 12, dropRank: 1),
            .init(title: "PROBLEM", minimum: 20, elidesEnd: true),
        ])
        table.rows = items.map { item in
            [
                String(item.id), session.age(item.receivedAt), shown(queueName(item.queue)),
                shown(item.problem),
            ]
        }
        return session.output.lines(of: table)
            + (hasMore ? ["", "More: s3remedy quarantine list -o ndjson"] : [])
            + session.output.next("s3remedy quarantine show \(first.id)")
    }
}

/// The queue's name: the last part of its URL.
func queueName(_ url: String) -> String {
    url.split(separator: "/").last.map(String.init) ?? url
}
