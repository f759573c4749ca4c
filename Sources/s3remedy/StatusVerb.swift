internal import ArgumentParser
internal import ControlAPI
internal import Domain

struct StatusVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows how the daemon is: problems, queues, log and store on one screen.",
        discussion: """
            Example: s3remedy status
            For scripts: s3remedy status -o json | jq -r .state
            """)

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let status: StatusReply = try await session.client.get("/v1/status")
        try session.show(status) { lines(of: $0, session) }
        return .ok
    }

    private func lines(of status: StatusReply, _ session: Session) -> [String] {
        headline(status, session.output) + problems(status, session) + queues(status, session)
            + [""]
            + session.output.fields([
                ("Log", log(status.log, lag: status.store.lagRecords)),
                ("Store", store(status.store)),
                ("Remediations", status.remediations.map(remediations) ?? "not known"),
            ]) + session.output.next(nextCommand(status))
    }

    private func headline(_ status: StatusReply, _ screen: Screen) -> [String] {
        let styles: [String: Screen.Style] = ["running": .green, "paused": .yellow]
        let state = screen.styled(shown(status.state), styles[status.state] ?? .red)
        let other = "  (this is s3remedy \(programVersion))"
        let until = status.pausedUntil.map { " until \($0)" } ?? ""
        return [
            "s3remedyd \(shown(status.version)) is \(state)\(until), up \(uptime(seconds: status.uptimeSeconds))"
                + (status.version == programVersion ? "" : other)
        ]
    }

    private func problems(_ status: StatusReply, _ session: Session) -> [String] {
        guard !status.problems.isEmpty else { return [] }
        let screen = session.output
        return ["", screen.styled(counted(status.problems.count, "problem"), .red)]
            + status.problems.flatMap { problem in
                let since = span(since: problem.since, session.now)
                return [
                    "  " + screen.styled("! " + shown(problem.code), .red) + since
                ] + wrapped(shown(problem.message), to: screen.width - 4).map { "    " + $0 }
            }
    }

    private func span(since moment: Timestamp, _ now: Timestamp) -> String {
        "  (since \(age(of: moment, at: now)))"
    }

    private func queues(_ status: StatusReply, _ session: Session) -> [String] {
        guard !status.queues.isEmpty else { return ["", "No queue is configured."] }
        var table = TextTable(columns: [
            .init(title: "QUEUE", minimum: 22), .init(title: "STATE"),
            .init(title: "LAST RECEIVE", shortTitle: "RECEIVED"),
            .init(title: "LAST MESSAGE", shortTitle: "MESSAGE"),
            .init(title: "WAITING", isNumber: true, dropRank: 1),
            .init(title: "OLDEST / KEPT", shortTitle: "OLD/KEPT", dropRank: 2),
        ])
        let hasDeadLetters = status.queues.contains { $0.deadLetter != nil }
        if hasDeadLetters {
            table.columns.append(.init(title: "DEAD", isNumber: true, dropRank: 3))
        }
        table.rows = status.queues.map { queue in
            let name = queueName(queue.url)
            return [
                shown(name), shown(queue.state), session.age(queue.lastReceiveAt),
                session.age(queue.lastMessageAt), queue.visible.map(grouped) ?? "-",
                oldest(queue),
            ] + (hasDeadLetters ? [queue.deadLetter?.messages.map(grouped) ?? "-"] : [])
        }
        return [""] + session.output.lines(of: table)
    }

    /// The oldest message's age against what SQS keeps: beyond it messages are lost.
    private func oldest(_ queue: StatusReply.Queue) -> String {
        guard let age = queue.oldestAgeSeconds else { return "-" }
        let kept = queue.retentionSeconds.map { s3remedy.span(seconds: $0) } ?? "?"
        return s3remedy.span(seconds: age) + " / " + kept
    }

    private func log(_ log: StatusReply.Log, lag: Int64) -> String {
        let behind =
            lag == 0 ? "all in the store" : "\(counted(lag, "record")) not yet in the store"
        let paused = log.paused.map { "; intake waits: " + shown($0) } ?? ""
        return "\(size(log.bytes)) in \(counted(log.segments, "segment")), \(behind)" + paused
    }

    private func store(_ store: StatusReply.Store) -> String {
        guard let failures = store.failures, let bytes = store.bytes else { return "not known" }
        let tooOld = store.tooOld ?? 0
        return "\(counted(failures, "failure")), \(size(bytes)), "
            + "\(counted(store.quarantined ?? 0, "message")) in quarantine"
            + (tooOld > 0
                ? ", \(counted(tooOld, "failure")) came older than closed ones are kept" : "")
    }

    private func remediations(_ remediations: StatusReply.Remediations) -> String {
        "\(grouped(remediations.running)) running, \(grouped(remediations.queued)) queued"
    }

    private func nextCommand(_ status: StatusReply) -> String {
        if status.remediations?.running ?? 0 > 0 { return "s3remedy remediations list" }
        if status.store.failures ?? 0 > 0 { return "s3remedy rules" }
        return status.store.quarantined ?? 0 > 0 ? "s3remedy quarantine list" : "s3remedy rules"
    }
}
