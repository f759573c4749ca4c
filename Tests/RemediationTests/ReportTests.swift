import Domain
import Remediation
import Testing

/// From the job's end to the last row of its report.
struct ReportTests {
    @Test func `rows settle one by one, each by its own class, and say what happened`() async throws
    {
        let rig = try Rig()
        try await rig.fail(["good", "denied", "cold", "gone", "done", "new"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        #expect(
            rig.cloud.manifest(of: rig.cloud.jobs[0]) == [
                "cold", "denied", "done", "gone", "good", "new",
            ])
        for key in ["good", "done"] { rig.cloud.set(key, .status("PENDING")) }
        rig.cloud.set("gone", .absent)
        rig.cloud.complete(failed: [
            "denied": "DstPutObjectNotPermitted", "cold": "SrcObjectNotEligible",
            "gone": "SrcKeyNotFound", "done": "SrcReplicationNotPending", "new": "BrandNew",
        ])
        let run = try await rig.until(id) { $0.state == .verifying }
        #expect(
            try await rig.states() == [
                "good": .verifying, "denied": .open, "cold": .parked, "gone": .gone,
                "done": .verifying, "new": .open,
            ])
        let denied = try #require(try await rig.failures()["denied"])
        let task = try #require(denied.lastTask)
        #expect(task.jobID == "job-1" && task.status == "failed" && task.httpStatus == 403)
        #expect(task.code == "DstPutObjectNotPermitted" && task.message == "it failed")
        let report = try #require(run.jobs[0].report)
        #expect(report.rows == 6 && report.outside == 0 && report.malformed == 0)
        #expect(report.key == "reports/job-job-1/manifest.json")
        #expect(run.jobs[0].problem == nil)
        // One rule is possible: the row's reason is the failure's.
        #expect(try await rig.failures()["cold"]?.reason == "SrcObjectNotEligible")
        for key in ["good", "done"] { rig.cloud.set(key, .status("COMPLETED")) }
        #expect(try await rig.untilOver(id).state == .finished)
        let tally = try await rig.tally(id)
        #expect(tally[.replicated] == 2 && tally[.failedAgain] == 2 && tally[.gone] == 1)
        #expect(tally[.parked] == 1 && tally[.verifying] == 0)
    }

    @Test func `with two rules a row's code is nobody's reason`() async throws {
        let rig = try Rig()
        rig.cloud.with { $0.rules.append(.init("r2", true, "elsewhere")) }
        try await rig.fail(["a"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.complete(failed: ["a": "SrcObjectNotEligible"])
        _ = try await rig.untilOver(id)
        let failure = try #require(try await rig.failures()["a"])
        #expect(failure.state == .parked && failure.reason == "DstPutObjectNotPermitted")
        #expect(failure.lastTask?.code == "SrcObjectNotEligible")
    }

    @Test func `a code that speaks of the job is told of the remediation, not of the object`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["a", "b"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.complete(failed: [
            "a": "InitiateReplicationNotPermitted", "b": "InitiateReplicationNotPermitted",
        ])
        let run = try await rig.untilOver(id)
        #expect(
            run.jobs[0].problem
                == "2 tasks failed with InitiateReplicationNotPermitted, which speaks of the job's role or "
                + "Region")
        #expect(try await rig.failures()["a"]?.reason == "DstPutObjectNotPermitted")
        #expect(try await rig.states() == ["a": .open, "b": .open])
    }

    @Test func `what a complete report lacks goes back, what an incomplete one lacks is verified`()
        async throws
    {
        for (tasks, state) in [(1, FailureState.open), (2, .verifying)] {
            let rig = try Rig()
            try await rig.fail(["a", "b"])
            let id = try await rig.start().id
            try await rig.untilJob(id)
            for key in ["a", "b"] { rig.cloud.set(key, .status("PENDING")) }
            rig.cloud.complete(reported: { $0 == "a" }, tasks: tasks)
            let run = try await rig.until(id) { $0.state == .verifying }
            #expect(try await rig.states() == ["a": .verifying, "b": state])
            let sentence = "the completion report has 1 rows, and the job ran 2 tasks"
            #expect(run.jobs[0].problem == (tasks == 2 ? sentence : nil))
            #expect(try await rig.tally(id)[.returned] == (tasks == 1 ? 1 : 0))
        }
    }

    @Test func `rows of others are counted and change nothing`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        try await rig.fail(["other"], reason: "SrcObjectNotEligible")
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.complete(extraRows: ["other,v1", "unheard,v1", "a,v2"])
        let run = try await rig.until(id) { $0.state == .verifying }
        #expect(run.jobs[0].report?.outside == 3)
        #expect(
            run.jobs[0].problem == "3 rows of the report are of versions that were not selected")
        #expect(try await rig.states()["other"] == .parked)
        #expect(try await rig.failures()["other"]?.lastTask == nil)
    }

    @Test func `a report that is late is waited for, told after an hour, given up after a day`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["a", "b"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        for key in ["a", "b"] { rig.cloud.set(key, .status("COMPLETED")) }
        rig.cloud.end(0, "Complete", tasks: 2)
        let ended = try await rig.until(id) { $0.jobs[0].endedAt != nil }.jobs[0].endedAt
        let late = try await rig.until(id, atLeast: .seconds(60)) { $0.problem != nil }
        let lateAfter = rig.now.milliseconds - (ended?.milliseconds ?? 0)
        #expect(late.problem?.hasPrefix("reportLate: the completion report of job job-1") == true)
        #expect((3_600_000...3_720_000).contains(lateAfter), "\(lateAfter)")
        #expect(try await rig.states() == ["a": .submitted, "b": .submitted])
        let run = try await rig.untilOver(id, atLeast: .seconds(1800))
        #expect(run.state == .finished)
        #expect(run.jobs[0].problem?.hasPrefix("reportMissing: ") == true)
        #expect(try await rig.states() == ["a": .replicated, "b": .replicated])
        #expect(rig.now.milliseconds - (ended?.milliseconds ?? 0) >= 24 * 3_600_000)
    }

    @Test func `a late report is read when it comes`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.end(0, "Complete", tasks: 1)
        _ = try await rig.until(id) { $0.problem?.hasPrefix("reportLate") == true }
        rig.cloud.complete(failed: ["a": "DstBucketNotFound"])
        #expect(try await rig.untilOver(id).problem == nil)
        #expect(try await rig.failures()["a"]?.lastTask?.code == "DstBucketNotFound")
    }

    @Test func `a job that ran no task has no report, and is not waited for`() async throws {
        for (status, tasks) in [("Failed", nil), ("Failed", 0), ("Cancelled", 0)]
            as [(String, Int?)]
        {
            let rig = try Rig()
            try await rig.fail(["a"])
            let id = try await rig.start().id
            try await rig.untilJob(id)
            rig.cloud.end(0, status, tasks: tasks, reason: "InvalidManifestContent")
            let before = rig.now
            let run = try await rig.untilOver(id)
            #expect(rig.now.milliseconds - before.milliseconds < 10 * 60_000)
            // S3's own word: FAILED, and no other destination is possible.
            #expect(try await rig.states() == ["a": .open])
            #expect(run.state == (status == "Cancelled" ? .cancelled : .finished))
            #expect(run.jobs[0].problem == "InvalidManifestContent: why")
            #expect(rig.cloud.count("GetObject") == 0)
        }
    }

    @Test func `a report whose MD5 stays wrong is given up, and HEAD decides`() async throws {
        let rig = try Rig()
        try await rig.fail(["a", "b"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.set("a", .status("COMPLETED"))
        rig.cloud.complete(failed: ["a": "SrcObjectNotEligible"], isDamaged: true)
        let run = try await rig.untilOver(id)
        #expect(run.jobs[0].problem?.contains("the completion report is damaged") == true)
        #expect(run.jobs[0].report == nil)
        // No row of it was believed.
        #expect(try await rig.states() == ["a": .replicated, "b": .open])
        #expect(try await rig.failures()["a"]?.lastTask == nil)
    }

    @Test func `a job that S3 has forgotten is taken for ended after a day`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.with { $0.jobs = [] }
        rig.cloud.set("a", .status("COMPLETED"))
        _ = try await rig.until(id) { $0.problem?.contains("NoSuchJob") == true }
        #expect(try await rig.states() == ["a": .submitted])
        #expect(try await rig.untilOver(id, atLeast: .seconds(1800)).state == .finished)
        #expect(try await rig.states() == ["a": .replicated])
    }
}
