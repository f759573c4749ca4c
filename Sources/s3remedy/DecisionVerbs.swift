internal import ArgumentParser
internal import ControlAPI
internal import Domain

/// Which failures an operator decides on, and how.
struct DecisionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only this rule, as BUCKET/RULE-ID.", valueName: "rule"))
    var rule: RuleName?

    @Option(help: "Only this source bucket.")
    var bucket: String?

    @Option(help: "Only this state; all that can be changed unless given.")
    var state: FailureState?

    @OptionGroup var filters: FilterOptions

    @Option(help: "Why: goes to each failure and into its timeline.")
    var note: String?

    @Option(help: "Change nothing unless exactly so many failures match.")
    var expectedCount: Int64?

    @Flag(help: "Show how many failures would change, and stop.")
    var dryRun = false

    func validate() throws {
        guard rule != nil || bucket != nil else {
            throw ValidationError(
                "Name a rule (--rule BUCKET/RULE-ID) or a bucket (--bucket) at least.")
        }
    }

    func filter(at now: Timestamp) -> FailureFilter {
        var filter = filters.filter(at: now)
        filter.rule = rule?.text
        filter.bucket = bucket
        filter.state = state?.name
        return filter
    }
}

extension FailureState: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.name) }
    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

struct FailuresDismissVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "dismiss",
        abstract: "Closes failures that need no repair.",
        discussion: """
            Open, verifying and parked failures become dismissed; those that a remediation has submitted stay. \
            A failure event that is newer than the dismissal opens its failure again.

            Examples: s3remedy failures dismiss --rule orders/replicate-all --prefix tmp/ --dry-run
                      s3remedy failures dismiss --bucket old-orders --note "bucket goes" --yes

            Exit codes: 7 when no failure matches that can be dismissed.
            """)

    @OptionGroup var decision: DecisionOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws { try options.checkConfirmation(isDryRun: decision.dryRun) }

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        try await DecisionRun(
            options: decision, verb: "dismiss", done: "dismissed", session: session
        ).run()
    }
}

struct FailuresReopenVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "reopen",
        abstract: "Opens closed and parked failures again.",
        discussion: """
            Replicated, gone, dismissed and parked failures become open, so that the next remediation takes them.

            Examples: s3remedy failures reopen --rule orders/replicate-all --state dismissed --dry-run
                      s3remedy failures reopen --bucket orders --state parked --note "restored" --yes

            Exit codes: 7 when no failure matches that can be reopened.
            """)

    @OptionGroup var decision: DecisionOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws { try options.checkConfirmation(isDryRun: decision.dryRun) }

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        try await DecisionRun(
            options: decision, verb: "reopen", done: "reopened", session: session
        ).run()
    }
}

/// Counts first, asks, and then changes just what was counted.
private struct DecisionRun {
    let options: DecisionOptions
    let verb: String
    let done: String
    let session: Session

    func run() async throws(CommandFailure) -> ExitStatus {
        let filter = options.filter(at: session.now)
        var request = DecisionRequest(filter: filter)
        request.note = options.note
        request.expectedCount = options.expectedCount
        request.dryRun = true
        let counted: DecisionReply = try await session.client.post(path, request)
        guard counted.count > 0 else {
            throw .nothingToDo(
                "nothing to do: no failure matches that can be \(done)" + left(counted)
                    + ". See s3remedy failures list --state all \(filter.options)")
        }
        if options.dryRun {
            try session.show(counted) { reply in
                lines(reply, filter)
                    + session.output.next("s3remedy failures \(verb) \(filter.options)")
            }
            return .ok
        }
        if session.format == .table || !session.assumesYes {
            let screen = session.format == .table ? session.output : session.messages
            try screen.write(lines: lines(counted, filter) + [""])
        }
        try session.confirm(
            "\(verb == "dismiss" ? "Dismiss" : "Reopen") \(counted.count == 1 ? "it" : "them")?",
            declined: "nothing was changed.")
        request.dryRun = nil
        request.expectedCount = counted.count
        let reply: DecisionReply = try await session.client.post(path, request)
        try session.show(reply) { result($0, filter) }
        return .ok
    }

    private var path: String { "/v1/failures/" + verb }

    private func lines(_ reply: DecisionReply, _ filter: FailureFilter) -> [String] {
        session.output.fields([
            ("Failures", grouped(reply.count) + " can be " + done),
            ("Size", size(reply.bytes)),
            ("Selected by", shown(filter.options)),
            ("Left out", reply.leftOut.isEmpty ? nil : leftOut(reply)),
        ])
    }

    private func result(_ reply: DecisionReply, _ filter: FailureFilter) -> [String] {
        let missing = reply.count &- reply.changed
        let changedMeanwhile =
            missing > 0
            ? [
                "\(counted(missing, "failure")) changed in between and stayed as \(missing == 1 ? "it was" : "they were")."
            ] : []
        let state = verb == "dismiss" ? "dismissed" : "open"
        return ["\(counted(reply.changed, "failure")) \(done)."] + changedMeanwhile
            + session.output.next(
                "s3remedy failures list --state \(state) "
                    + (filter.rule.map { "--rule " + shellWord($0) }
                        ?? "--bucket " + shellWord(filter.bucket ?? "")))
    }

    private func left(_ reply: DecisionReply) -> String {
        reply.leftOut.isEmpty ? "" : " (left as they are: \(leftOut(reply)))"
    }

    /// `5 submitted, 2 gone`.
    private func leftOut(_ reply: DecisionReply) -> String {
        reply.leftOut.sorted { $0.key < $1.key }.map { grouped($0.value) + " " + shown($0.key) }
            .joined(separator: ", ")
    }
}
