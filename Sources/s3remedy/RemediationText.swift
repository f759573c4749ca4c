internal import ControlAPI
internal import Domain

extension PlanReply {
    /// What will happen, for the eye before a confirmation.
    func lines(canary: Int?, _ screen: Screen) -> [String] {
        let rule = sourceBucket + "/" + ruleId
        return screen.fields([
            ("Rule", shown(rule) + " (" + shown(region) + ")"),
            ("Objects", grouped(objects)), ("Size", size(bytes)),
            ("Cost", estimatedCost.text),
            ("Canary", canary.map { "\(grouped($0)) first, the rest once those are replicated" }),
            ("Also runs", otherRules.isEmpty ? nil : otherRules.map(shown).joined(separator: ", ")),
        ]) + reasonLines(screen)
            + warnings.flatMap { warning in
                [""]
                    + wrapped("Warning: " + shown(warning), to: screen.width)
                    .map { screen.styled($0, .yellow) }
            }
    }

    private func reasonLines(_ screen: Screen) -> [String] {
        guard !reasons.isEmpty else { return [] }
        var table = TextTable(columns: [
            .init(title: "OBJECTS", isNumber: true),
            .init(title: "REASON", minimum: 12, elidesEnd: true),
            .init(title: "CLASS"), .init(title: "DESTINATION", minimum: 12),
        ])
        table.rows = reasons.map {
            [
                grouped($0.objects), shown($0.reason), shown($0.reasonClass),
                shown($0.destinationBucket),
            ]
        }
        return [""] + screen.lines(of: table)
    }
}

extension RemediationItem.Cost {
    var text: String {
        let rest = notIncluded.map(shown).joined(separator: ", ")
        return "about \(dollars(jobsUSD)) for jobs and tasks"
            + (rest.isEmpty ? "" : "; not included: " + rest)
    }
}

extension RemediationItem {
    var ruleName: String { sourceBucket + "/" + ruleId }

    var isOver: Bool { ["finished", "failed", "cancelled"].contains(state) }

    /// The exit status that a script wants once it is over: whether all that was selected is repaired.
    var exitStatus: ExitStatus {
        if state != "finished" { return .error }
        let isLeft = outcome.failedAgain > 0 || outcome.parked > 0 || !heldBack.isEmpty
        return isLeft ? .findings : .ok
    }

    /// Where it stands, in one line.
    var progress: String {
        let job = jobs.last { $0.jobId != nil }
        switch state {
        case "jobFollowed":
            guard let job else { return state }
            let tasks = job.tasks.map { tasks in
                let done = tasks.succeeded &+ tasks.failed
                let share = tasks.total > 0 ? Double(done) / Double(tasks.total) : 0
                let percent = Int(min(max(share, 0), 1) * 100)
                return ", \(grouped(done)) of \(grouped(tasks.total)) tasks (\(percent) %)"
                    + (tasks.failed > 0 ? ", \(grouped(tasks.failed)) failed" : "")
            }
            return "\(shown(job.role)) job \(shown(job.status ?? "requested"))" + (tasks ?? "")
        case "verifying":
            return "verifying, \(grouped(outcome.replicated)) replicated, "
                + "\(grouped(outcome.verifying)) to go"
        default: return shown(state)
        }
    }

    /// How it ended, or stands.
    func outcomeLines(_ session: Session) -> [String] {
        let screen = session.output
        var table = TextTable(columns: [
            .init(title: "OUTCOME"), .init(title: "OBJECTS", isNumber: true),
        ])
        table.rows = [
            ["replicated", grouped(outcome.replicated)],
            ["failed again", grouped(outcome.failedAgain)], ["gone", grouped(outcome.gone)],
            ["parked", grouped(outcome.parked)], ["verifying", grouped(outcome.verifying)],
        ]
        let problem = problem.map {
            [""]
                + wrapped("Problem: " + shown($0), to: screen.width)
                .map { screen.styled($0, .red) }
        }
        return screen.lines(of: table) + (problem ?? []) + heldBackLines(screen)
            + screen.next(nextCommand)
    }

    private func heldBackLines(_ screen: Screen) -> [String] {
        guard !heldBack.isEmpty else { return [] }
        var table = TextTable(columns: [
            .init(title: "HELD BACK", isNumber: true),
            .init(title: "REASON", minimum: 12, elidesEnd: true),
            .init(title: "DESTINATION", minimum: 12),
        ])
        table.rows = heldBack.map {
            [grouped($0.objects), shown($0.reason), shown($0.destinationBucket)]
        }
        return [""] + screen.lines(of: table)
    }

    private var nextCommand: String {
        let rule = shellWord(ruleName)
        if !isOver { return "s3remedy remediations show " + shellWord(id) }
        if outcome.parked > 0 && outcome.failedAgain == 0 {
            return "s3remedy failures list --state parked --rule " + rule
        }
        return exitStatus == .ok ? "s3remedy rules" : "s3remedy rules " + rule
    }
}
