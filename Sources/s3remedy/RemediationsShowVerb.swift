internal import ArgumentParser
internal import ControlAPI

struct RemediationsShowVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows one remediation: its plan, its jobs and what became of the objects.",
        discussion: "Example: s3remedy remediations show 0198f2c4")

    @Argument(help: "The remediation's ID.")
    var id: String

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let item: RemediationItem = try await session.client.get("/v1/remediations/" + segment(id))
        try session.show(item) { lines(of: $0, session) }
        return .ok
    }

    private func lines(of item: RemediationItem, _ session: Session) -> [String] {
        let filter = item.filter?.options ?? ""
        let head = session.output.fields([
            ("Remediation", shown(item.id)), ("Rule", shown(item.ruleName)),
            ("State", item.progress), ("Filter", filter.isEmpty ? nil : filter),
            ("Canary", item.canary.map(grouped)), ("Objects", grouped(item.objects)),
            ("Size", size(item.bytes)), ("Cost", item.estimatedCost.text),
            ("Created", session.moment(item.createdAt)), ("By", shown(item.createdBy)),
            ("Finished", session.moment(item.finishedAt)),
        ])
        return head + item.jobs.flatMap { [""] + $0.lines(session.output) } + [""]
            + item.outcomeLines(session)
    }
}

extension RemediationItem.Job {
    func lines(_ screen: Screen) -> [String] {
        screen.fields([
            ("Job", shown(jobId ?? "not made yet") + " (\(shown(role)))"),
            ("Status", status.map(shown)),
            (
                "Tasks",
                tasks.map {
                    "\(grouped($0.total)) in all, \(grouped($0.succeeded)) succeeded, "
                        + "\(grouped($0.failed)) failed"
                }
            ),
            ("Manifest", manifest.map { "s3://" + shown($0.bucket + "/" + $0.key) }),
            ("Report", report.map { "s3://" + shown($0.bucket + "/" + $0.key) }),
            ("Problem", problem.map(shown)),
        ])
    }
}
