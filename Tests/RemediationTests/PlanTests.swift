import Domain
import FailureStore
import Remediation
import Testing

struct PlanTests {
    @Test func `a plan looks at the objects: what needs no job leaves it`() async throws {
        let rig = try Rig()
        try await rig.fail(["broken", "denied"])
        try await rig.fail(["repaired"], status: .status("COMPLETED"))
        try await rig.fail(["gone"], status: .absent)
        try await rig.fail(["cold"], status: .archived)
        rig.cloud.set("denied", .denied)
        let plan = try await rig.desk.plan(rig.order())
        #expect(plan.selection.objects == 2 && plan.precheck.isDone)
        let seen = plan.precheck
        #expect(seen.looked == 5 && seen.replicated == 1 && seen.gone == 1 && seen.parked == 1)
        let failures = try await rig.failures()
        #expect(failures["repaired"]?.evidence == .status && failures["gone"]?.evidence == .absent)
        #expect(failures["cold"]?.state == .parked && failures["cold"]?.note == "archived")
        #expect(failures["broken"]?.state == .open && failures["denied"]?.state == .open)
        #expect(rig.cloud.jobs.isEmpty)
    }

    @Test func `a remediation looks too, and ends without a job when nothing is left`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["repaired", "also"], status: .status("COMPLETED"))
        let run = try await rig.untilOver(try await rig.start().id)
        #expect(run.state == .finished && run.precheck.replicated == 2 && run.objects == 0)
        #expect(rig.cloud.jobs.isEmpty && rig.cloud.count("PutObject") == 0)
        #expect(try await rig.states() == ["repaired": .replicated, "also": .replicated])
    }

    @Test func `no more than the limit is looked at`() async throws {
        let rig = try Rig {
            $0.precheckLimit = 30
            $0.headsPerStep = 20
        }
        try await rig.fail((0..<50).map { "k\($0)" })
        let id = try await rig.start().id
        try await rig.untilJob(id)
        #expect(try await rig.run(id).precheck.looked == 30)
        #expect(rig.cloud.count("HeadObject") == 30)
        #expect(rig.cloud.manifest(of: rig.cloud.jobs[0]).count == 50)
    }

    @Test func `a bucket that seems empty closes nothing at the plan`() async throws {
        let rig = try Rig()
        try await rig.fail((0..<150).map { "k\($0)" }, status: .absent)
        let plan = try await rig.desk.plan(rig.order())
        #expect(plan.precheck.gone == 0 && plan.selection.objects == 150)
        #expect(try await rig.states().values.allSatisfy { $0 == .open })
    }

    @Test func `no enabled rule to the destination is refused, with what replaced it`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["a"])
        let cases: [(rules: [ScriptedCloud.Rule], now: String)] = [
            ([.init("r1", true, "new")], "rule r1 replicates to new now"),
            (
                [.init("r1", false, "backup"), .init("r9", true, "new")],
                "rule r9 replicates to new now"
            ),
            ([.init("r1", false, "backup")], "all its rules are disabled"),
            ([], "the bucket has no replication configuration"),
        ]
        for one in cases {
            rig.cloud.with { $0.rules = one.rules }
            let refusal = await #expect(throws: RemediationRefusal.self) {
                _ = try await rig.desk.plan(rig.order())
            }
            guard case .refused(let sentence) = refusal else {
                Issue.record("planned with \(one.rules)")
                continue
            }
            #expect(
                sentence.hasPrefix(
                    "no enabled rule of orders replicates to backup any more: \(one.now)"))
            await #expect(throws: RemediationRefusal.self) { try await rig.start() }
        }
        #expect(rig.cloud.count("HeadObject") == 0)
    }

    @Test func `what an operator should know is said`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        rig.cloud.with { state in
            state.rules = [.init("r1", false, "backup"), .init("r2", true, "backup")]
            state.lifecycleRules = 2
            state.refusals["GetBucketVersioning"] = [(403, "AccessDenied")]
        }
        let warnings = try await rig.desk.plan(rig.order()).warnings
        #expect(warnings.count == 4, "\(warnings)")
        #expect(warnings[0].contains("allow s3:GetBucketVersioning"))
        #expect(warnings[1].contains("rule r1 is disabled"))
        #expect(warnings[2].contains("r2 will run too"))
        #expect(warnings[3].contains("2 enabled lifecycle rules"))
    }

    @Test func `a list of objects is a selection`() async throws {
        let rig = try Rig()
        let keys = (0..<30).map { "k\($0)" }
        try await rig.fail(keys)
        let id = try await rig.start { order in
            order.selection.objects = ["k7", "k3", "k7", "nobody"].map {
                ObjectVersion(key: ObjectKey($0), versionID: "v1")
            }
        }.id
        try await rig.untilJob(id)
        #expect(rig.cloud.manifest(of: rig.cloud.jobs[0]) == ["k3", "k7"])
        #expect(try await rig.run(id).objects == 2)
    }

    @Test func `more than was planned is refused, later failures are left out`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let plan = try await rig.desk.plan(rig.order())
        try await rig.fail(["later"], at: rig.now.milliseconds + 1)
        let id = try await rig.start { order in
            order.plannedAt = plan.at
            order.expectedObjects = plan.selection.objects
        }.id
        try await rig.untilJob(id)
        #expect(rig.cloud.manifest(of: rig.cloud.jobs[0]) == ["a"])
        await #expect(
            throws: RemediationRefusal.planChanged(
                "the plan showed 0 objects, now 1 match: plan again")
        ) {
            try await rig.start { $0.expectedObjects = 0 }
        }
    }
}
