internal import ArgumentParser
internal import ControlAPI

struct QuarantineReplayVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Decodes a quarantined message again, as if it came from its queue.",
        discussion: """
            For messages that an older version could not decode. What still does not decode in full stays.

            Example: s3remedy quarantine replay 17
            """)

    @Argument(help: "The entry's number in the list.")
    var id: Int64

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let reply: QuarantineReply = try await session.client.post(
            "/v1/quarantine/\(id)/replay", [String: String]())
        try session.show(reply) { reply in
            ["Message \(reply.id) is replayed: \(counted(reply.records ?? 0, "record"))."]
                + session.output.next("s3remedy rules")
        }
        return .ok
    }
}

struct QuarantineDropVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Lets go of a quarantined message for good.",
        discussion: """
            Its queue has it no more: save it first where it may be needed, with quarantine show ID -o json.

            Example: s3remedy quarantine drop 17
            """)

    @Argument(help: "The entry's number in the list.")
    var id: Int64

    @OptionGroup var options: GlobalOptions

    func validate() throws { try options.checkConfirmation() }

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        if !session.assumesYes {
            let item: QuarantinedItem = try await session.client.get("/v1/quarantine/\(id)")
            let screen = session.format == .table ? session.output : session.messages
            try screen.write(
                lines: screen.fields([
                    ("Quarantined", String(item.id)),
                    ("Received", session.moment(item.receivedAt)),
                    ("Queue", shown(item.queue)), ("Problem", shown(item.problem)),
                ]) + [""])
        }
        try session.confirm("Drop it for good?", declined: "nothing was dropped.")
        let reply: QuarantineReply = try await session.client.post(
            "/v1/quarantine/\(id)/drop", [String: String]())
        try session.show(reply) { reply in
            ["Message \(reply.id) is dropped."] + session.output.next("s3remedy quarantine list")
        }
        return .ok
    }
}
