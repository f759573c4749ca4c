internal import ArgumentParser
internal import ControlAPI
internal import Domain

struct FailuresVerifyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Asks S3 about failures, and closes what was repaired elsewhere or is gone.",
        discussion: """
            Makes no job. COMPLETED closes a failure as replicated; a version that the bucket does not list any more \
            is gone. All that are not closed are asked about unless --state is given.

            Examples: s3remedy failures verify --rule orders/replicate-all --dry-run
                      s3remedy failures verify --bucket orders --prefix 2026/

            Exit codes: 6 when S3 did not tell of all of them; 7 when there is none to ask about.
            """)

    @Option(help: ArgumentHelp("Only this rule, as BUCKET/RULE-ID.", valueName: "rule"))
    var rule: RuleName?

    @Option(help: "Only this source bucket.")
    var bucket: String?

    @Option(help: "Only this state.")
    var state: FailureState?

    @OptionGroup var filters: FilterOptions

    @Flag(help: "Ask S3, and change nothing.")
    var dryRun = false

    @Flag(
        name: .customLong("confirm-gone"),
        help: "Close versions as gone even where more than 100 and a tenth are.")
    var confirmsGone = false

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard rule != nil || bucket != nil else {
            throw ValidationError(
                "Name a rule (--rule BUCKET/RULE-ID) or a bucket (--bucket) at least.")
        }
    }

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        var filter = filters.filter(at: session.now)
        filter.rule = rule?.text
        filter.bucket = bucket
        filter.state = state?.name
        var request = VerifyRequest(filter: filter)
        request.dryRun = dryRun
        request.confirmGone = confirmsGone
        var total = VerifyReply(looked: 0, changed: [:], problem: nil, nextCursor: nil)
        repeat {
            request.cursor = total.nextCursor
            let reply: VerifyReply = try await session.client.post("/v1/failures/verify", request)
            let isStuck = reply.looked == 0 && reply.nextCursor == request.cursor
            total.looked += reply.looked
            total.changed.merge(reply.changed, uniquingKeysWith: +)
            total.problem = total.problem ?? reply.problem
            total.nextCursor = isStuck ? nil : reply.nextCursor
        } while total.nextCursor != nil
        guard total.looked > 0 || total.problem != nil else {
            throw .nothingToDo("nothing to do: no failure matches that is not closed.")
        }
        try session.show(total) { lines(of: $0, session) }
        return total.problem == nil ? .ok : .findings
    }

    private func lines(of total: VerifyReply, _ session: Session) -> [String] {
        let screen = session.output
        var table = TextTable(columns: [
            .init(title: dryRun ? "WOULD BE" : "IS NOW"), .init(title: "FAILURES", isNumber: true),
        ])
        table.rows = total.changed.sorted { $0.key < $1.key }.map {
            [shown($0.key), grouped($0.value)]
        }
        let problem = total.problem.map {
            [""] + wrapped("Problem: " + shown($0), to: screen.width)
        }
        return ["S3 was asked about \(counted(Int(total.looked), "failure"))."]
            + (table.rows.isEmpty ? ["Nothing has changed."] : screen.lines(of: table))
            + (problem ?? []) + screen.next("s3remedy rules")
    }
}

extension VerifyReply: ControlItem {
    static let csvColumns = [
        "looked", "changed.replicated", "changed.gone", "changed.open", "problem",
    ]
}
