internal import ArgumentParser
internal import ControlAPI
internal import Domain

struct PauseVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stops receiving from the queues for a while; the messages wait there.",
        discussion: """
            The pause survives a restart of the daemon and ends by itself. SQS drops messages that are older than \
            the queue's retention (4 days unless set otherwise): `s3remedy status` shows the oldest.

            Examples: s3remedy pause
                      s3remedy pause --for 30m
            """)

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "How long, such as 90s, 30m or 2h; at most 12h.", valueName: "duration"))
    var duration = PauseDuration(seconds: PauseRequest.defaultSeconds)

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let reply: IntakeReply = try await session.client.post(
            "/v1/intake/pause", PauseRequest(durationSeconds: duration.seconds))
        try session.show(reply) { reply in
            let until = reply.pausedUntil.map { " until \($0)" } ?? ""
            return ["Nothing is received\(until). Messages wait on their queues."]
                + session.output.next("s3remedy resume")
        }
        return .ok
    }
}

struct ResumeVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Ends a pause: receiving goes on at once.",
        discussion: "Example: s3remedy resume")

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let reply: IntakeReply = try await session.client.post(
            "/v1/intake/resume", [String: String]())
        try session.show(reply) { _ in
            ["Receiving goes on."] + session.output.next("s3remedy status")
        }
        return .ok
    }
}

/// `90s`, `30m`, `2h`.
struct PauseDuration: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let seconds: Int

    init(seconds: Int) {
        self.seconds = seconds
    }

    init?(argument: String) {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        guard let unit = argument.last.flatMap({ units[$0] }),
            let number = Int(argument.dropLast()), number > 0,
            number <= PauseRequest.maximumSeconds / unit
        else { return nil }
        seconds = number * unit
    }

    var description: String {
        seconds % 3600 == 0
            ? "\(seconds / 3600)h" : seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}

extension IntakeReply: ControlItem {
    static let csvColumns = ["state", "pausedUntil"]
}
