internal import ArgumentParser
internal import ControlAPI

struct ReloadVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Lets the daemon read its configuration anew; says what needs a restart.",
        discussion: """
            Each key that differs from the running configuration is shown with whether it is in effect now or \
            after the next start. On an error the old configuration stays.

            Example: s3remedy reload
            For scripts: s3remedy reload -o json | jq -r '.changes[] | select(.applies == "restart") | .key'
            """)

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let reply: ReloadReply = try await session.client.post("/v1/reload", [String: String]())
        guard session.format == .csv else {
            try session.show(reply) { lines(of: $0, session.output) }
            return .ok
        }
        var writer = ItemWriter<ReloadReply.Change>(output: session.output, format: .csv)
        try writer.write(reply.changes)
        return .ok
    }

    private func lines(of reply: ReloadReply, _ screen: Screen) -> [String] {
        guard !reply.changes.isEmpty else {
            return ["\(shown(reply.file)) says what runs: nothing has changed."]
        }
        var table = TextTable(columns: [
            .init(title: "KEY"), .init(title: "FROM", minimum: 8), .init(title: "TO", minimum: 8),
            .init(title: "APPLIES"),
        ])
        table.rows = reply.changes.map { change in
            [
                shown(change.key), change.from.map(shown) ?? "-", change.to.map(shown) ?? "-",
                change.applies == .now ? "now" : "at restart",
            ]
        }
        let waiting = reply.changes.count { $0.applies == .restart }
        return screen.lines(of: table)
            + (waiting == 0
                ? screen.next("s3remedy status")
                : [
                    "",
                    "\(counted(waiting, "key")) \(waiting == 1 ? "waits" : "wait") for a restart.",
                ]
                    + screen.next("systemctl restart s3remedyd"))
    }
}

extension ReloadReply: ControlItem {
    static let csvColumns = ["file", "changes"]
}

extension ReloadReply.Change: ControlItem {
    static let csvColumns = ["key", "from", "to", "applies"]
}
