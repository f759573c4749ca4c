internal import ArgumentParser
internal import ControlAPI
internal import Domain

struct QuarantineShowVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows one quarantined message: what is wrong, where, and its body.",
        discussion: """
            Control characters of the body are shown escaped; bodyEncoded of -o json is exact.

            Example: s3remedy quarantine show 17
            """)

    @Argument(help: "The entry's number in the list.")
    var id: Int64

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let item: QuarantinedItem = try await session.client.get("/v1/quarantine/\(id)")
        try session.show(item) { lines(of: $0, session) }
        return .ok
    }

    private func lines(of item: QuarantinedItem, _ session: Session) -> [String] {
        let body = percentDecoded(item.bodyEncoded.utf8, plusIsSpace: false)
        let text = body.map { String(decoding: $0, as: UTF8.self) } ?? item.bodyEncoded
        return session.output.fields([
            ("Quarantined", String(item.id)), ("Received", session.moment(item.receivedAt)),
            ("Message", shown(item.messageId)), ("Queue", shown(item.queue)),
            ("Problem", shown(item.problem)), ("At byte", grouped(item.offset)),
            ("Body", body.map { counted($0.count, "byte") } ?? "not percent-encoded"),
        ]) + [""]
            + text.split(separator: "\n", omittingEmptySubsequences: false).map {
                shown(String($0))
            }
            + session.output.next("s3remedy quarantine list")
    }
}
