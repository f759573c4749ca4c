import Domain
import Remediation
import TestSupport
import Testing

struct JobTests {
    @Test func `the whole request is stored before it is sent, and sent again byte for byte`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        rig.cloud.with {
            $0.refusals["CreateJob"] = [(503, "SlowDown"), (503, "SlowDown"), (503, "SlowDown")]
        }
        let run = try await rig.until(id) { $0.state == .jobRequested }
        let stored = try #require(run.jobs[0].request)
        try await rig.round()
        try rig.restart()
        try await rig.untilJob(id)
        let sent = rig.cloud.with { state in
            state.asked.filter { $0.operation == "CreateJob" }.map(\.body)
        }
        #expect(sent.count >= 2 && sent.allSatisfy { $0 == stored })
        #expect(String(decoding: stored, as: UTF8.self).contains("<ClientRequestToken>\(id)<"))
        #expect(rig.cloud.jobs.count == 1)
    }

    @Test func `a job whose answer was lost is found again by its description, not made again`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        rig.cloud.with { $0.lost["CreateJob"] = 10 }
        _ = try await rig.until(id) { _ in rig.cloud.jobs.count == 1 }
        let sent = rig.cloud.count("CreateJob")
        // S3 would have forgotten the token.
        rig.cloud.with { $0.jobs[0].token = "forgotten" }
        try rig.restart()
        try await rig.untilJob(id)
        #expect(rig.cloud.count("CreateJob") == sent && rig.cloud.jobs.count == 1)
        #expect(try await rig.run(id).jobs[0].jobID == "job-1")
    }

    @Test func `the account's active jobs count, others' too`() async throws {
        let rig = try Rig { $0.maximumActiveJobs = 2 }
        rig.cloud.with { state in
            for (index, status) in ["Active", "Paused", "Suspended", "Complete"].enumerated() {
                state.jobs.append(
                    .init(
                        id: "other-\(index)", token: "t\(index)", description: "theirs",
                        status: status, createdAt: rig.now))
            }
            state.jobs.append(
                .init(
                    id: "copy", token: "c", description: "theirs", operation: "S3PutObjectCopy",
                    status: "Active", createdAt: rig.now))
        }
        try await rig.fail(["a"])
        let id = try await rig.start().id
        let waiting = try await rig.until(id) { $0.problem != nil }
        #expect(
            waiting.problem
                == "2 replication jobs are active in account 111122223333, ours and others', and "
                + "batch.maxActiveJobs is 2: waiting for one to end")
        #expect(rig.cloud.count("CreateJob") == 0)
        rig.cloud.end(1, "Complete", tasks: 1)
        _ = try await rig.until(id) { $0.state == .jobFollowed }
        #expect(rig.cloud.jobs.count == 6)
    }

    @Test func `a suspended job runs when it is confirmed, and not before`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start { $0.confirmation = true }.id
        let waiting = try await rig.until(id) { $0.problem != nil }
        #expect(waiting.problem?.contains("waits for a confirmation") == true)
        for _ in 0..<10 { try await rig.round() }
        #expect(rig.cloud.jobs[0].status == "Suspended")
        _ = try await rig.desk.confirm(id, by: "uid 0")
        _ = try await rig.until(id) { $0.problem == nil }
        #expect(rig.cloud.jobs[0].status == "Active")
        #expect(rig.cloud.count("UpdateJobStatus") == 1)
        await #expect(
            throws: RemediationRefusal.refused("remediation \(id) waits for no confirmation now")
        ) {
            _ = try await rig.desk.confirm(id, by: "uid 0")
        }
    }

    @Test(arguments: ["planned", "jobRequested"])
    func `cancelled before there is a job, everything is given back`(state: String) async throws {
        let rig = try Rig()
        try await rig.fail(["a", "b"])
        let id = try await rig.start().id
        if state == "jobRequested" {
            rig.cloud.with {
                $0.jobs = [
                    .init(
                        id: "o", token: "o", description: "theirs", status: "Active",
                        createdAt: rig.now),
                    .init(
                        id: "p", token: "p", description: "theirs", status: "Active",
                        createdAt: rig.now),
                    .init(
                        id: "q", token: "q", description: "theirs", status: "Active",
                        createdAt: rig.now),
                    .init(
                        id: "r", token: "r", description: "theirs", status: "Active",
                        createdAt: rig.now),
                ]
            }
            _ = try await rig.until(id) { $0.state == .jobRequested }
        }
        _ = try await rig.desk.cancel(id, by: "uid 0")
        let run = try await rig.untilOver(id)
        #expect(run.state == .cancelled && rig.cloud.count("CreateJob") == 0)
        #expect(try await rig.states() == ["a": .open, "b": .open])
        #expect(try await rig.tally(id)[.failedAgain] == 0)
    }

    @Test
    func `cancelled while its job runs, what the job did is taken in and the rest given back`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["a", "b"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        _ = try await rig.desk.cancel(id, by: "uid 0")
        _ = try await rig.until(id) { $0.jobs[0].status == "Cancelling" }
        #expect(rig.cloud.count("UpdateJobStatus") == 1)
        rig.cloud.set("a", .status("COMPLETED"))
        rig.cloud.complete(status: "Cancelled", reported: { $0 == "a" }, tasks: 1)
        let run = try await rig.untilOver(id)
        #expect(run.state == .cancelled)
        for _ in 0..<3 { try await rig.round() }
        #expect(try await rig.states() == ["a": .replicated, "b": .open])
        await #expect(throws: RemediationRefusal.refused("remediation \(id) is cancelled already"))
        {
            _ = try await rig.desk.cancel(id, by: "uid 0")
        }
    }

    @Test func `a paused job is waited for, and said to be`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        try await rig.untilJob(id)
        rig.cloud.with { $0.jobs[0].status = "Paused" }
        let run = try await rig.until(id) { $0.problem != nil }
        #expect(run.problem == "S3 has paused job job-1 for others of a higher priority")
        rig.clock.advance(by: .seconds(5 * 86_400))
        try await rig.round()
        #expect(try await rig.states() == ["a": .submitted])
        rig.cloud.set("a", .status("COMPLETED"))
        rig.cloud.complete()
        #expect(try await rig.untilOver(id).problem == nil)
    }

    @Test func `a job refused for good gives everything back, with S3's sentence`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        rig.cloud.with { $0.refusals["CreateJob"] = [(403, "AccessDenied")] }
        let run = try await rig.untilOver(try await rig.start().id)
        #expect(
            run.state == .failed && run.problem?.contains("CreateJob: 403 AccessDenied") == true)
        #expect(try await rig.states() == ["a": .open])
    }

    @Test func `a token that belongs to another job ends the remediation with a sentence`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["a"])
        rig.cloud.with { $0.refusals["CreateJob"] = [(400, "IdempotencyException")] }
        let run = try await rig.untilOver(try await rig.start().id)
        #expect(run.state == .failed && run.problem?.contains("IdempotencyException") == true)
    }

    @Test func `a rule that was deleted since the plan makes no job`() async throws {
        let rig = try Rig()
        try await rig.fail(["a"])
        let id = try await rig.start().id
        rig.cloud.with { $0.rules = [.init("r1", true, "new-bucket")] }
        let run = try await rig.untilOver(id)
        #expect(run.state == .failed && rig.cloud.jobs.isEmpty)
        #expect(
            run.problem
                == "no enabled rule of orders replicates to backup any more: rule r1 replicates to "
                + "new-bucket now. Enable a rule to backup, or dismiss these failures (s3remedy failures "
                + "dismiss --destination backup)")
        #expect(try await rig.states() == ["a": .open])
    }

    @Test func `a version that fails at two destinations is one row`() async throws {
        let rig = try Rig()
        rig.cloud.with { $0.rules.append(.init("r2", true, "elsewhere")) }
        try await rig.fail(["b", "a", "c"])
        try await rig.tell(["a", "d"], destination: "elsewhere", at: Rig.failedAt)
        rig.cloud.set("d", .status("FAILED"))
        let id = try await rig.start().id
        try await rig.untilJob(id)
        #expect(rig.cloud.manifest(of: rig.cloud.jobs[0]) == ["a", "b", "c", "d"])
        #expect(try await rig.run(id).objects == 5)
        for key in ["a", "b", "c", "d"] { rig.cloud.set(key, .status("COMPLETED")) }
        rig.cloud.complete()
        _ = try await rig.untilOver(id)
        #expect(try await rig.tally(id)[.replicated] == 5)
    }
}
