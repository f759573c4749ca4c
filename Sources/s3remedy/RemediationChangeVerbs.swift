internal import ArgumentParser
internal import ControlAPI

struct RemediationsWatchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follows a remediation until it is over.",
        discussion: """
            Example: s3remedy remediations watch 20261124T131251-190369

            Exit codes: 6 when objects failed again, were parked or held back.
            """)

    @Argument(help: "The remediation's ID.")
    var id: String

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let item: RemediationItem = try await session.client.get("/v1/remediations/" + segment(id))
        let ended = try await RemediationWatch(session: session, id: id).follow(item)
        try session.show(ended) { item in
            ["Remediation \(shown(item.id)) \(shown(item.state)).", ""]
                + item.outcomeLines(session)
        }
        return ended.exitStatus
    }
}

struct RemediationsCancelVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Ends a remediation: cancels its job, gives back what no task has touched.",
        discussion: """
            What the job has done already is taken in and verified. S3 bills a cancelled job too.

            Example: s3remedy remediations cancel 20261124T131251-190369
            """)

    @Argument(help: "The remediation's ID.")
    var id: String

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        try session.confirm("Cancel remediation \(shown(id))?", declined: "nothing was cancelled.")
        let item: RemediationItem = try await session.client.post(
            "/v1/remediations/" + segment(id) + "/cancel", [String: String]())
        try session.show(item) { item in
            ["Remediation \(shown(item.id)) is being cancelled."]
                + session.output.next("s3remedy remediations watch " + shellWord(item.id))
        }
        return .ok
    }
}

struct RemediationsConfirmVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Lets a suspended job run, or suspiciously many versions be closed as gone.",
        discussion: """
            `s3remedy remediations show` says what waits for it.

            Example: s3remedy remediations confirm 20261124T131251-190369
            """)

    @Argument(help: "The remediation's ID.")
    var id: String

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let path = "/v1/remediations/" + segment(id)
        if !session.assumesYes {
            let item: RemediationItem = try await session.client.get(path)
            if let problem = item.problem {
                try session.messages.write(
                    lines: wrapped(shown(problem), to: session.messages.width))
            }
        }
        try session.confirm("Confirm this?", declined: "nothing was confirmed.")
        let item: RemediationItem = try await session.client.post(
            path + "/confirm", [String: String]())
        try session.show(item) { item in
            ["Remediation \(shown(item.id)) goes on."]
                + session.output.next("s3remedy remediations watch " + shellWord(item.id))
        }
        return .ok
    }
}
