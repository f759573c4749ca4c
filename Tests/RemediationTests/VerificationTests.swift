import Domain
import FailureStore
import Remediation
import TestSupport
import Testing

/// What S3 says of each version, and nothing else, closes a failure.
struct VerificationTests {
    /// A run whose job has ended, every row of its report succeeded.
    func verifying(
        _ rig: Rig, _ keys: [String], statuses: ScriptedCloud.Version = .status("PENDING"),
        _ change: (inout RemediationOrder) -> Void = { _ in }
    ) async throws -> String {
        try await rig.fail(keys)
        let id = try await rig.start(change).id
        try await rig.untilJob(id)
        for key in keys { rig.cloud.set(key, statuses) }
        rig.cloud.complete()
        _ = try await rig.until(id) { $0.state == .verifying }
        return id
    }

    @Test func `nothing is closed by the job, nor by the row`() async throws {
        let rig = try Rig()
        let id = try await verifying(rig, ["a"])
        try await rig.round()
        #expect(rig.cloud.jobs[0].status == "Complete")
        #expect(try await rig.states() == ["a": .verifying])
        rig.cloud.set("a", .status("COMPLETED"))
        _ = try await rig.untilOver(id)
        let failure = try #require(try await rig.failures()["a"])
        #expect(failure.state == .replicated && failure.evidence == .status)
    }

    @Test
    func `the evidence is S3's time, so that a later failure opens it and an earlier does not`()
        async throws
    {
        let rig = try Rig()
        let id = try await verifying(rig, ["a", "b"], statuses: .status("COMPLETED"))
        _ = try await rig.untilOver(id)
        let evidence = try #require(try await rig.failures()["a"]?.evidenceAt)
        // HTTP dates have whole seconds; the clock here had none of them when HEAD was answered.
        #expect(evidence.milliseconds % 1000 == 0 && evidence <= rig.now)
        try await rig.tell(["a"], at: evidence.milliseconds)
        try await rig.tell(["b"], at: evidence.milliseconds + 1)
        #expect(try await rig.states() == ["a": .replicated, "b": .open])
    }

    @Test func `a failure that arrives while the job runs is not closed by an older answer`()
        async throws
    {
        let rig = try Rig()
        let id = try await verifying(rig, ["a", "b"])
        try await rig.tell(["a"], at: rig.now.milliseconds + 86_400_000)
        for key in ["a", "b"] { rig.cloud.set(key, .status("COMPLETED")) }
        _ = try await rig.untilOver(id)
        #expect(try await rig.states() == ["a": .open, "b": .replicated])
        let tally = try await rig.tally(id)
        #expect(tally[.replicated] == 1 && tally[.failedAgain] == 1)
    }

    @Test func `with two destinations FAILED is nobody's until an event says whose`() async throws {
        let rig = try Rig()
        rig.cloud.with { $0.rules.append(.init("r2", true, "elsewhere")) }
        let id = try await verifying(rig, ["a", "b"], statuses: .status("FAILED"))
        try await rig.round()
        #expect(try await rig.failures()["a"]?.note == "otherDestinationFailing")
        #expect(try await rig.states() == ["a": .verifying, "b": .verifying])
        // The other rule's event says nothing of this one, this rule's does.
        try await rig.tell(["a"], destination: "elsewhere", rule: "r2", at: rig.now.milliseconds)
        try await rig.tell(["b"], at: rig.now.milliseconds)
        for _ in 0..<10 { try await rig.round() }
        #expect(
            try await rig.states() == ["r1 a": .verifying, "r2 a": .open, "r1 b": .open])
        // The other destination is mended: the status completes, and closes both rules' failures.
        rig.cloud.set("a", .status("COMPLETED"))
        #expect(try await rig.untilOver(id).state == .finished)
        #expect(
            try await rig.states() == ["r1 a": .replicated, "r2 a": .replicated, "r1 b": .open])
        let tally = try await rig.tally(id)
        #expect(tally[.replicated] == 1 && tally[.failedAgain] == 1)
    }

    @Test func `a rule deleted meanwhile leaves its failures open`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.with { $0.rules = [] }
        rig.cloud.end(0, "Failed", tasks: nil, reason: "SrcBucketReplicationConfigMissing")
        _ = try await rig.untilOver(id)
        #expect(try await rig.states() == ["a": .open])
    }

    @Test func `no status header means that no rule applies now`() async throws {
        let rig = try Rig()
        let id = try await verifying(rig, ["a"], statuses: .status(nil))
        _ = try await rig.untilOver(id)
        let failure = try #require(try await rig.failures()["a"])
        #expect(failure.state == .open && failure.note == "notEligibleNow")
    }

    @Test(arguments: [ScriptedCloud.Version.customerKey, .deleteMarker])
    func `where HEAD can tell nothing, a quiet hour after the row closes`(
        version: ScriptedCloud.Version
    ) async throws {
        let rig = try Rig()
        let id = try await verifying(rig, ["quiet", "loud"], statuses: version)
        let job = try #require(try await rig.run(id).jobs[0].createdAt)
        try await rig.round()
        #expect(try await rig.failures()["quiet"]?.note == "headTellsNothing")
        rig.clock.advance(by: .seconds(1800))
        try await rig.round()
        #expect(try await rig.states() == ["quiet": .verifying, "loud": .verifying])
        try await rig.tell(["loud"], at: rig.now.milliseconds)
        _ = try await rig.untilOver(id)
        let failures = try await rig.failures()
        #expect(failures["loud"]?.state == .open)
        #expect(failures["quiet"]?.state == .replicated && failures["quiet"]?.evidence == .report)
        // Any event since the job's creation opens it again.
        #expect(failures["quiet"]?.evidenceAt == job)
        try await rig.tell(["quiet"], at: job.milliseconds + 1)
        #expect(try await rig.states()["quiet"] == .open)
    }

    @Test func `a marker without a succeeded row is never closed by itself`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.set("a", .deleteMarker)
        rig.cloud.end(0, "Failed", tasks: nil)
        _ = try await rig.untilOver(id, atLeast: .seconds(600))
        #expect(try await rig.states() == ["a": .verifying])
    }

    @Test func `404 is gone only when the bucket answers and does not list the version`()
        async throws
    {
        let rig = try Rig()
        rig.cloud.with { $0.refusals["ListObjectVersions"] = [(403, "AccessDenied")] }
        let id = try await verifying(rig, ["a", "b"], statuses: .absent)
        let states = try await rig.states()
        #expect(states.values.sorted { $0.rawValue < $1.rawValue } == [.verifying, .gone])
        let sentence = try await rig.run(id).problem
        #expect(sentence?.contains("s3:ListBucketVersions") == true, "\(sentence ?? "")")
        _ = try await rig.untilOver(id)
        let failures = try await rig.failures()
        #expect(failures.values.allSatisfy { $0.state == .gone && $0.evidence == .absent })
    }

    @Test func `a permission that is missing closes nothing, and is named`() async throws {
        let rig = try Rig()
        let id = try await verifying(rig, ["a", "b"], statuses: .denied)
        for _ in 0..<5 { try await rig.round() }
        let sentence = try #require(try await rig.run(id).problem)
        #expect(sentence.contains("s3:GetObjectVersion") && sentence.contains("s3:ListBucket"))
        #expect(try await rig.states() == ["a": .verifying, "b": .verifying])
        for key in ["a", "b"] { rig.cloud.set(key, .status("COMPLETED")) }
        let run = try await rig.untilOver(id)
        #expect(run.problem == nil && run.state == .finished)
    }

    @Test func `more than 100 and a tenth gone stops the closing until it is confirmed`()
        async throws
    {
        let rig = try Rig { $0.headsPerStep = 50 }
        let keys = (0..<300).map { "k\($0)" }
        let id = try await verifying(rig, keys)
        for key in keys { rig.cloud.set(key, .absent) }
        for key in keys.prefix(20) { rig.cloud.set(key, .status("COMPLETED")) }
        _ = try await rig.until(id) { $0.goneBrake == .pulled }
        let gone = try await rig.tally(id)[.gone]
        #expect(gone <= 100)
        for _ in 0..<20 { try await rig.round() }
        #expect(try await rig.tally(id)[.gone] == gone)
        #expect(try await rig.run(id).problem?.contains("are gone from orders") == true)
        // Neither by the timeout nor after a restart.
        try rig.restart()
        rig.clock.advance(by: .seconds(2 * 86_400))
        try await rig.round()
        #expect(try await rig.run(id).state == .verifying)
        _ = try await rig.desk.confirm(id, by: "uid 0")
        _ = try await rig.untilOver(id)
        // Its day is over; the background closes what is left, and the remediation counts it.
        for _ in 0..<100 where try await rig.tally(id)[.verifying] > 0 {
            try await rig.round(atLeast: .seconds(3600))
        }
        let tally = try await rig.tally(id)
        #expect(tally[.gone] == 280 && tally[.replicated] == 20)
    }

    @Test func `a tenth that is gone is no reason to stop`() async throws {
        let rig = try Rig()
        let keys = (0..<1000).map { "k\($0)" }
        let id = try await verifying(rig, keys)
        for key in keys { rig.cloud.set(key, .status("COMPLETED")) }
        for key in keys.prefix(100) { rig.cloud.set(key, .absent) }
        #expect(try await rig.untilOver(id).goneBrake == nil)
        #expect(try await rig.tally(id)[.gone] == 100)
    }

    @Test func `pending versions are asked for less and less often, and left to the background`()
        async throws
    {
        let rig = try Rig()
        let id = try await verifying(rig, ["a"])
        let before = rig.cloud.count("HeadObject")
        let run = try await rig.untilOver(id, atLeast: .seconds(120))
        #expect(run.state == .finished)
        let ended = try #require(run.jobs[0].endedAt)
        #expect(rig.now.milliseconds - ended.milliseconds >= 24 * 3_600_000)
        // 1 minute, doubled: 11 questions fit into a day.
        #expect((8...12).contains(rig.cloud.count("HeadObject") - before))
        #expect(try await rig.tally(id)[.verifying] == 1)
        rig.cloud.set("a", .status("COMPLETED"))
        for _ in 0..<3000 where try await rig.states() != ["a": .replicated] {
            try await rig.round(atLeast: .seconds(3600))
        }
        let tally = try await rig.tally(id)
        #expect(tally[.replicated] == 1 && tally[.verifying] == 0)
        #expect(try await rig.run(id).state == .finished)
    }

    @Test
    func `what S3 replicated late, and what began as gone or done, is verified in the background`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["late", "still"])
        try await rig.fail(["gone"], reason: "SrcKeyNotFound", status: .absent)
        try await rig.fail(
            ["done"], reason: "SrcReplicationNotPending", status: .status("COMPLETED"))
        try await rig.tell(
            ["late", "still"], at: Rig.failedAt + 60_000, name: .replicatedAfterThreshold)
        rig.cloud.set("late", .status("COMPLETED"))
        #expect(
            try await rig.states() == [
                "late": .verifying, "still": .verifying, "gone": .verifying, "done": .verifying,
            ])
        for _ in 0..<5 { try await rig.round() }
        #expect(
            try await rig.states() == [
                "late": .replicated, "still": .open, "gone": .gone, "done": .replicated,
            ])
    }

    @Test func `one remediation's long round does not hold up another's`() async throws {
        let rig = try Rig { $0.headsPerStep = 10 }
        let keys = (0..<200).map { "k\($0)" }
        let id = try await verifying(rig, keys, statuses: .status("COMPLETED"))
        rig.cloud.with { $0.rules.append(.init("r2", true, "elsewhere")) }
        try await rig.fail(["z"], destination: "elsewhere", rule: "r2")
        let other = try await rig.start { $0.rule = RuleName(sourceBucket: "orders", ruleID: "r2") }
        _ = try await rig.until(other.id) { $0.state == .jobFollowed }
        #expect(try await rig.run(id).state == .verifying)
        #expect(try await rig.tally(id)[.verifying] > 100)
    }

    @Test func `a sample that is whole closes the rest, one that is not becomes all`() async throws
    {
        for hasFailed in [false, true] {
            let rig = try Rig {
                $0.verification = .sample
                $0.sampleObjects = 10
            }
            let keys = (0..<100).map { "k\($0)" }
            try await rig.fail(keys)
            let id = try await rig.start().id
            try await rig.untilJob(id)
            for key in keys { rig.cloud.set(key, .status("COMPLETED")) }
            if hasFailed { for key in keys.dropFirst(30) { rig.cloud.set(key, .status("FAILED")) } }
            rig.cloud.complete()
            let before = rig.cloud.count("HeadObject")
            _ = try await rig.untilOver(id)
            let asked = rig.cloud.count("HeadObject") - before
            let failures = try await rig.failures().values
            let byEvidence = Dictionary(grouping: failures) { $0.evidence }.mapValues(\.count)
            if hasFailed {
                #expect(asked == 100 && byEvidence == [.status: 30, nil: 70])
            } else {
                #expect(asked == 10 && byEvidence == [.status: 10, .sample: 90])
                #expect(failures.allSatisfy { $0.evidenceAt! < rig.now })
            }
        }
    }

    @Test func `without verification the row closes, at the job's creation`() async throws {
        let rig = try Rig { $0.verification = .none }
        try await rig.fail(["a", "b"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        try await rig.tell(["b"], at: rig.now.milliseconds)
        let before = rig.cloud.count("HeadObject")
        rig.cloud.complete()
        _ = try await rig.until(id) { $0.state == .verifying || $0.state.isTerminal }
        try await rig.round()
        let failures = try await rig.failures()
        #expect(failures["a"]?.evidence == .report && failures["a"]?.state == .replicated)
        // One failed while the job ran: S3 is asked.
        #expect(failures["b"]?.evidence != .report)
        _ = try await rig.untilOver(id)
        #expect(rig.cloud.count("HeadObject") - before == 1)
        #expect(try await rig.states()["b"] == .open)
    }

    @Test func `a row of an earlier job closes nothing of a job without a report`() async throws {
        let rig = try Rig { $0.verification = .none }
        try await rig.fail(["a"])
        let first = try await rig.start().id
        try await rig.untilJob(first)
        try await rig.tell(["a"], at: rig.now.milliseconds)
        rig.cloud.complete()
        _ = try await rig.untilOver(first)
        #expect(try await rig.failures()["a"]?.lastTask?.status == "succeeded")
        #expect(try await rig.states() == ["a": .open])
        rig.clock.advance(by: .seconds(60))
        let second = try await rig.start().id
        try await rig.untilJob(second, 0)
        rig.cloud.end(1, "Failed", tasks: nil)
        _ = try await rig.untilOver(second)
        #expect(try await rig.states() == ["a": .open])
    }

    @Test func `outcomes are exact, also when others close the failures`() async throws {
        let rig = try Rig()
        let id = try await verifying(rig, ["a", "b", "c"])
        var selection = FailureSelection()
        selection.bucket = "orders"
        selection.key = ObjectKey("a")
        let decision = OperatorDecision(.dismiss, note: nil, by: "uid 7", at: rig.now)
        _ = try await DecisionDesk(store: rig.store).decide(decision, selection)
        rig.cloud.set("b", .status("COMPLETED"))
        for _ in 0..<3 { try await rig.round() }
        let tally = try await rig.tally(id)
        #expect(tally[.dismissed] == 1 && tally[.replicated] == 1 && tally[.verifying] == 1)
    }
}
