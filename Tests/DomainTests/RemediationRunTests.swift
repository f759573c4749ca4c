import Domain
import Testing

/// The state machine: what each state asks for, and which events it takes.
struct RemediationRunTests {
    static let time = Timestamp(milliseconds: 1000)
    static let manifest = RemediationRun.Manifest(
        bucket: "m", key: "k", eTag: "e", versionID: nil)
    static let report = RemediationRun.Report(bucket: "r", key: "manifest.json")
    static let group = RemediationTally.Group(reason: "R", destinationBucket: "d")

    static func run(_ change: (inout RemediationRun.Options) -> Void = { _ in }) -> RemediationRun {
        var options = RemediationRun.Options()
        change(&options)
        return RemediationRun(
            id: "r1", rule: RuleName(sourceBucket: "orders", ruleID: "a"), region: "eu-west-1",
            selection: FailureSelection(), priority: 10, options: options, createdAt: time,
            createdBy: "uid 0")
    }

    static func described(
        _ status: String, at: Int64 = 1000, tasks: RemediationRun.Tasks? = nil
    ) -> RemediationEvent {
        .jobDescribed(
            .init(status: status, createdAt: time, tasks: tasks, cause: nil),
            at: Timestamp(milliseconds: at))
    }

    static var prechecked: RemediationEvent {
        var seen = RemediationRun.Precheck()
        seen.isDone = true
        return .prechecked(seen)
    }

    static let events: [(name: String, event: RemediationEvent)] = [
        ("prechecked", prechecked), ("selected", .selected),
        ("nothingSelected", .nothingSelected(at: time)),
        ("manifestWritten", .manifestWritten(manifest)),
        ("jobPrepared", .jobPrepared(request: [1, 2])), ("jobFound", .jobFound(id: "j")),
        ("active", described("Active")), ("complete", described("Complete")),
        ("reportRead", .reportRead(report)), ("reportMissing", .reportMissing(problem: nil)),
        ("restReturned", .restReturned), ("verified", .verified(at: time)),
        ("refused", .refused("no", at: time)), ("abandoned", .abandoned(at: time)),
    ]

    /// A run that has taken these events.
    static func after(_ names: [String], _ start: RemediationRun = run()) -> RemediationRun {
        var run = start
        for name in names {
            let found = events.first { $0.name == name }
            let isTaken = found.map { run.apply($0.event) }
            precondition(isTaken == true, "\(name) in \(run.state)")
        }
        return run
    }

    static let path = [
        "prechecked", "selected", "manifestWritten", "jobPrepared", "jobFound", "complete",
        "reportRead", "restReturned", "verified",
    ]

    /// After each step of the usual way: the state, what it asks for, and the events that it takes.
    static let table:
        [(state: RemediationRun.State, action: RemediationAction, takes: Set<String>)] =
            [
                (.planned, .precheck, ["prechecked", "selected", "nothingSelected"]),
                (.planned, .selectFailures, ["prechecked", "selected", "nothingSelected"]),
                (.selected, .writeManifest, ["manifestWritten", "nothingSelected"]),
                (.manifestWritten, .prepareJob(manifest), ["jobPrepared"]),
                (.jobRequested, .createJob(request: [1, 2]), ["jobFound"]),
                (.jobFollowed, .describeJob(id: "j"), ["active", "complete"]),
                (.jobFollowed, .readReport, ["reportRead", "reportMissing"]),
                (.reportRead, .returnRest, ["restReturned"]),
                (.verifying, .verify, ["verified"]),
                (.finished, .nothing, []),
            ]

    @Test func `each state asks for the effect that leaves it, and takes no other state's events`()
    {
        var count = 0
        for (steps, row) in Self.table.enumerated() {
            let run = Self.after(Array(Self.path.prefix(steps)))
            #expect(run.state == row.state && run.nextAction == row.action, "after \(steps) steps")
            for (name, event) in Self.events {
                var changed = run
                let isTaken = changed.apply(event)
                let isEnd = ["refused", "abandoned"].contains(name)
                let wanted = row.takes.contains(name) || (isEnd && !run.state.isTerminal)
                #expect(isTaken == wanted, "\(name) in \(run.state)")
                #expect(isTaken || changed == run, "\(name) in \(run.state)")
                count += 1
            }
        }
        print("\(count) events in states")
    }

    @Test func `a wish to cancel asks for what undoes the state`() {
        let actions: [RemediationAction] = [
            .abandon, .abandon, .abandon, .abandon, .withdraw, .cancelJob(id: "j"), .readReport,
            .returnRest, .letGo, .nothing,
        ]
        for (steps, action) in actions.enumerated() {
            var run = Self.after(Array(Self.path.prefix(steps)))
            run.wishes = [.cancel]
            #expect(run.nextAction == action, "after \(steps) steps")
        }
        var run = Self.after(Array(Self.path.prefix(5)))
        _ = run.apply(Self.described("Cancelling"))
        run.wishes = [.cancel]
        #expect(run.nextAction == .describeJob(id: "j"))
    }

    @Test func `a suspended job is confirmed only by a wish for that very job`() {
        var run = Self.after(Array(Self.path.prefix(5)))
        #expect(run.wishToConfirm == nil)
        _ = run.apply(Self.described("Suspended"))
        #expect(run.wishToConfirm == .confirmJob("j"))
        run.wishes = [.confirmJob("another"), .confirmGone]
        #expect(run.nextAction == .describeJob(id: "j"))
        run.wishes = [.confirmJob("j")]
        #expect(run.nextAction == .confirmJob(id: "j"))
        for wish in [.cancel, .confirmGone, .confirmJob("j k")] as [RemediationRun.Wish] {
            #expect(RemediationRun.Wish(text: wish.text) == wish)
        }
        #expect(RemediationRun.Wish(text: "confirm") == nil)
    }

    @Test func `a cancelled job ends a remediation as cancelled, after verification`() {
        var run = Self.after(Array(Self.path.prefix(5)))
        _ = run.apply(Self.described("Cancelled"))
        for name in ["reportRead", "restReturned"] { run = Self.after([name], run) }
        #expect(run.state == .verifying)
        #expect(Self.after(["verified"], run).state == .cancelled)
    }

    @Test func `the gone brake stops verification until it is confirmed`() {
        var run = Self.after(Array(Self.path.prefix(8)))
        let isPulled = run.apply(.goneBrakePulled)
        #expect(isPulled && run.nextAction == .awaitGoneConfirmation)
        #expect(run.wishToConfirm == .confirmGone)
        run.wishes = [.confirmGone]
        #expect(run.nextAction == .verify)
        for (gone, all, isTooMuch) in [
            (100, 100, false), (101, 1010, false), (101, 1009, true), (101, 101, true),
        ] as [(Int64, Int64, Bool)] {
            #expect(RemediationRun.isTooMuchGone(gone, of: all) == isTooMuch)
        }
    }

    @Test func `a canary goes the whole way first, and holds its bucket meanwhile`() {
        var run = Self.run { $0.canary = 1 }
        _ = run.apply(Self.prechecked)
        #expect(run.nextAction == .planCanary)
        _ = run.apply(.canaryPlanned(.init(wanted: 1, of: [(Self.group, Int64(5))])))
        #expect(run.nextAction == .selectFailures && run.role == .canary)
        run = Self.after(Array(Self.path[1..<8]), run)
        #expect(run.state == .verifying && run.holdsBucket)
        let isJudged = run.apply(.canaryJudged(passed: [Self.group]))
        #expect(isJudged && run.state == .canaryVerified && run.role == .main)
        #expect(run.nextAction == .selectFailures)
        run = Self.after(Array(Self.path[1..<8]), run)
        #expect(run.jobs.map(\.role) == [.canary, .main])
        #expect(run.state == .verifying && !run.holdsBucket)
        #expect(Self.after(["verified"], run).state == .finished)
    }

    @Test func `a canary passes by proof alone`() {
        var tally = RemediationTally()
        let cases: [([RemediationTally.Fate: Int64], Bool)] = [
            ([.replicated: 1], true), ([.replicated: 2, .gone: 1, .parked: 1], true),
            ([.replicated: 1, .failedAgain: 1], false), ([.replicated: 1, .verifying: 1], false),
            ([.gone: 1], false), ([.verifying: 1], false), ([:], false),
        ]
        for (index, one) in cases.enumerated() {
            tally.counts[.init(reason: "\(index)", destinationBucket: "d")] = one.0
        }
        let passed = Set(RemediationRun.Canary.passed(tally).map(\.reason))
        #expect(passed == Set(cases.indices.filter { cases[$0].1 }.map { "\($0)" }))
    }

    @Test func `a report is awaited for an hour without a word, for a day with one`() {
        let tasks = RemediationRun.Tasks(total: 2, succeeded: 1, failed: 0)
        var run = Self.after(Array(Self.path.prefix(5)))
        _ = run.apply(Self.described("Complete", at: 0, tasks: tasks))
        let patience = RemediationPatience()
        func absence(_ minutes: Int64) -> ReportAbsence {
            run.withoutReport(at: Timestamp(milliseconds: minutes * 60_000), patience)
        }
        #expect(absence(59) == .wait(problem: nil))
        guard case .wait(let late?) = absence(60) else { Issue.record("\(absence(60))"); return }
        #expect(late.hasPrefix("reportLate"))
        guard case .wait(_?) = absence(24 * 60 - 1) else { Issue.record("a day"); return }
        guard case .giveUp(let missing?) = absence(24 * 60) else { Issue.record("day"); return }
        #expect(missing.hasPrefix("reportMissing"))
        var idle = Self.after(Array(Self.path.prefix(5)))
        _ = idle.apply(
            Self.described("Failed", tasks: .init(total: 2, succeeded: 0, failed: 0)))
        #expect(idle.withoutReport(at: Self.time, patience) == .giveUp(problem: nil))
    }
}
