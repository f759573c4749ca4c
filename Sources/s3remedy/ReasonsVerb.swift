internal import ArgumentParser
internal import ControlAPI

struct ReasonsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "reasons",
        abstract: "Explains the reasons for which S3 does not replicate, and what helps.",
        discussion: """
            Without CODE, a table of all documented reasons. With CODE, that one in full; a code that is not \
            documented is of class unknown.

            Examples: s3remedy reasons
                      s3remedy reasons DstPutObjectNotPermitted
            """)

    @Argument(help: ArgumentHelp("The reason, as S3 sends it.", valueName: "code"))
    var code: String?

    @OptionGroup var limit: LimitOption
    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        guard let code else {
            try await session.list("/v1/reasons", limit: limit.limit) {
                (items: [ReasonItem], hasMore) throws(CommandFailure) in
                overview(items, hasMore, session.output)
            }
            return .ok
        }
        let page: Page<ReasonItem> = try await session.client.get(
            "/v1/reasons", [("code", code)])
        guard let item = page.items.first else {
            throw .notUnderstood("/v1/reasons answered no reason for \(shown(code))")
        }
        try session.show(item) { detail(of: $0, session.output) }
        return .ok
    }

    private func overview(
        _ items: [ReasonItem], _ hasMore: Bool, _ screen: Screen
    ) -> [String] {
        var table = TextTable(columns: [
            .init(title: "REASON"), .init(title: "CLASS"),
            .init(title: "WHO CAN MEND IT", dropRank: 1),
            .init(title: "MEANING", minimum: 20, elidesEnd: true),
        ])
        table.rows = items.map {
            [shown($0.code), shown($0.reasonClass), words($0.owner), shown($0.meaning)]
        }
        return screen.lines(of: table)
            + (hasMore ? ["", "More: s3remedy reasons -o ndjson"] : [])
            + screen.next("s3remedy reasons " + shellWord(items.first?.code ?? "CODE"))
    }

    private func detail(of item: ReasonItem, _ screen: Screen) -> [String] {
        screen.fields([
            ("Reason", shown(item.code)), ("Class", shown(item.reasonClass)),
            ("Meaning", shown(item.meaning)), ("Who can mend it", words(item.owner)),
            ("What helps", shown(item.fix)),
        ]) + screen.next("s3remedy failures list --reason " + shellWord(item.code))
    }

    /// `sourceBucketOwner` for people.
    private func words(_ owner: String) -> String {
        switch owner {
        case "sourceBucketOwner": "owner of the source bucket"
        case "destinationBucketOwner": "owner of the destination bucket"
        case "kmsAdministrator": "administrator of the KMS key"
        case "operator": "whoever runs s3remedyd"
        default: shown(owner)
        }
    }
}
