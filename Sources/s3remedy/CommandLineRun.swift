internal import ArgumentParser
internal import ControlAPI

/// What every verb is: options parsed by ArgumentParser, and one run against a daemon.
///
/// Not `AsyncParsableCommand`: its `run` leaves the caller's actor, and the HTTP port blocks the thread it is called
/// on. Here everything stays on the main thread.
protocol Verb: ParsableCommand {
    var options: GlobalOptions { get }
    func run(in session: Session) async throws(CommandFailure) -> ExitStatus
}

struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "s3remedy",
        abstract: "Finds and repairs objects that Amazon S3 failed to replicate.",
        discussion: """
            Talks to the daemon s3remedyd over its control socket. Begin with `s3remedy status`, then \
            `s3remedy rules`, then `s3remedy failures list`.

            Exit codes: 0 ok, 1 error, 2 usage, 3 daemon unreachable, 4 not permitted, 5 temporary (try \
            again), 6 finished with findings, 7 nothing to do, 130 interrupted.
            """,
        version: programVersion,
        subcommands: [
            StatusVerb.self, RulesVerb.self, FailuresGroup.self, RemediateVerb.self,
            RemediationsGroup.self, QuarantineGroup.self, ReasonsVerb.self, PauseVerb.self,
            ResumeVerb.self, ReloadVerb.self, MetricsVerb.self,
        ])
}

struct FailuresGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failures",
        abstract:
            "Lists failures, shows one object's story, counts by time, verifies, dismisses and reopens.",
        subcommands: [
            FailuresListVerb.self, FailuresShowVerb.self, FailuresHistogramVerb.self,
            FailuresVerifyVerb.self, FailuresDismissVerb.self, FailuresReopenVerb.self,
        ],
        defaultSubcommand: FailuresListVerb.self)
}

struct RemediationsGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remediations",
        abstract: "Lists, shows, follows, confirms and cancels remediations.",
        subcommands: [
            RemediationsListVerb.self, RemediationsShowVerb.self, RemediationsWatchVerb.self,
            RemediationsConfirmVerb.self, RemediationsCancelVerb.self,
        ],
        defaultSubcommand: RemediationsListVerb.self)
}

struct QuarantineGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Lists, shows, replays and drops messages that could not be decoded.",
        subcommands: [
            QuarantineListVerb.self, QuarantineShowVerb.self, QuarantineReplayVerb.self,
            QuarantineDropVerb.self,
        ],
        defaultSubcommand: QuarantineListVerb.self)
}

/// Runs one command line to its exit status; everything to be said has been written.
func runCommandLine(_ arguments: [String]) async -> ExitStatus {
    do throws(CommandFailure) {
        switch try parse(arguments) {
        case .verb(let verb):
            return try await verb.run(in: Session(verb.options))
        case .answer(let text):
            try Screen(descriptor: 1).write(text + "\n")
            return .ok
        }
    } catch {
        // Nothing helps when standard error cannot be written either.
        try? Screen(descriptor: 2).write(error.message)
        return error.status
    }
}

private enum Parsed {
    case verb(any Verb)
    /// Help or the version.
    case answer(String)
}

private func parse(_ arguments: [String]) throws(CommandFailure) -> Parsed {
    do {
        var command = try RootCommand.parseAsRoot(globalOptionsLast(arguments))
        if let verb = command as? any Verb { return .verb(verb) }
        // What is no verb is a group or ArgumentParser's own help command: both throw their text.
        try command.run()
        return .answer("")
    } catch {
        let text = RootCommand.fullMessage(for: error)
        guard RootCommand.exitCode(for: error).isSuccess else { throw .usage(text) }
        return .answer(text)
    }
}

/// Moves global options from before the verb to behind it, where ArgumentParser looks for them:
/// `-o json status` and `status -o json` mean the same.
func globalOptionsLast(_ arguments: [String]) -> [String] {
    var rest = arguments[...]
    var moved: [String] = []
    while let first = rest.first {
        let name = first.split(separator: "=", maxSplits: 1).first.map(String.init) ?? first
        let takesValue = ["-o", "--output", "--socket"].contains(name)
        guard takesValue || first == "--yes" else { break }
        let count = takesValue && name == first ? 2 : 1
        moved += rest.prefix(count)
        rest = rest.dropFirst(count)
    }
    let end = rest.firstIndex(of: "--") ?? rest.endIndex
    return rest[..<end] + moved + rest[end...]
}
