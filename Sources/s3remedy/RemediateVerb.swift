internal import ArgumentParser
internal import ControlAPI
internal import Domain

struct RemediateVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "remediate",
        abstract: "Repairs a rule's open failures with S3 Batch Replication.",
        discussion: """
            Shows the plan (count, size, cost, reasons), asks, starts, and follows until every object is \
            verified. No reason that S3 gives is transient: mend the cause first, or use --canary.

            Examples: s3remedy remediate orders/replicate-all --dry-run
                      s3remedy remediate orders/replicate-all --canary 10
                      s3remedy remediate orders/replicate-all --yes --no-wait

            Exit codes: 6 when objects failed again, were parked or held back; 7 when nothing is open.
            """)

    @Argument(help: ArgumentHelp("The rule, as BUCKET/RULE-ID.", valueName: "rule"))
    var rule: RuleName

    @OptionGroup var filters: FilterOptions

    @Flag(help: "Show the plan and stop.")
    var dryRun = false

    @Flag(name: .customLong("no-wait"), help: "Do not follow the remediation after its start.")
    var doesNotWait = false

    @Option(help: "Send so many objects first, and the rest once those are replicated.")
    var canary: Int?

    @Flag(help: "Let the job stop before its first task until it is confirmed.")
    var confirmation = false

    @Option(
        help: ArgumentHelp(
            "Only the objects in this file, as `failures list -o ndjson` writes them; - for standard input.",
            valueName: "file"))
    var objects: String?

    @Option(help: "The job's priority; S3 runs greater numbers first.")
    var priority: Int?

    @OptionGroup var options: GlobalOptions

    /// Bounds of `Priority`: Amazon S3 API Reference, CreateJob ("Minimum value of 0. Maximum value of 2147483647").
    func validate() throws {
        if let canary, canary < 1 {
            throw ValidationError("--canary is at least 1, not \(canary).")
        }
        if let priority, !(0...2_147_483_647).contains(priority) {
            throw ValidationError("--priority is 0 to 2147483647, not \(priority).")
        }
        try options.checkConfirmation(isDryRun: dryRun)
    }

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        var request = RemediationRequest(rule: rule.text)
        let filter = filters.filter(at: session.now)
        request.filter = filter == FailureFilter() ? nil : filter
        request.canary = canary
        request.confirmation = confirmation ? true : nil
        request.objects = try objects.map { file throws(CommandFailure) in
            try listedObjects(file)
        }
        request.priority = priority
        let plan = try await plan(request, session)
        guard plan.objects > 0 else {
            throw .nothingToDo(
                "nothing to do: no open failure of \(shown(rule.text)) fits. "
                    + "See s3remedy rules \(shellWord(rule.text))")
        }
        if dryRun {
            try session.show(plan) {
                planLines($0, session.output) + session.output.next(again(filter))
            }
            return .ok
        }
        try confirm(plan, session)
        request.plannedAt = plan.plannedAt
        request.expectedObjects = plan.objects
        return try await start(request, session)
    }

    private func plan(
        _ request: RemediationRequest, _ session: Session
    ) async throws(CommandFailure) -> PlanReply {
        var dry = request
        dry.dryRun = true
        return try await session.client.post("/v1/remediations", dry)
    }

    private func planLines(_ plan: PlanReply, _ screen: Screen) -> [String] {
        plan.lines(canary: canary, screen)
    }

    /// The same call without --dry-run.
    private func again(_ filter: FailureFilter) -> String {
        let words = [
            "s3remedy remediate", shellWord(rule.text), filter.options,
            canary.map { "--canary \($0)" } ?? "", confirmation ? "--confirmation" : "",
            objects.map { "--objects " + shellWord($0) } ?? "",
            priority.map { "--priority \($0)" } ?? "",
        ]
        return words.filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// The plan goes where people read: standard error when standard output is for a machine.
    private func confirm(_ plan: PlanReply, _ session: Session) throws(CommandFailure) {
        let screen = session.format == .table ? session.output : session.messages
        if session.format == .table || !session.assumesYes {
            try screen.write(lines: planLines(plan, screen) + [""])
        }
        try session.confirm("Start this remediation?", declined: "nothing was started.")
    }

    private func start(
        _ request: RemediationRequest, _ session: Session
    ) async throws(CommandFailure) -> ExitStatus {
        let started: RemediationItem
        do {
            started = try await session.client.post("/v1/remediations", request)
        } catch .noAnswer(let sentence) {
            throw .noAnswer(
                sentence + " Whether the remediation was started: s3remedy remediations list")
        }
        if doesNotWait {
            try session.show(started) { item in
                ["Remediation \(shown(item.id)) has started."]
                    + session.output.next("s3remedy remediations show " + shellWord(item.id))
            }
            return .ok
        }
        let ended = try await RemediationWatch(session: session, id: started.id).follow(started)
        try session.show(ended) { item in
            ["Remediation \(shown(item.id)) \(shown(item.state)).", ""]
                + item.outcomeLines(session)
        }
        return ended.exitStatus
    }
}
