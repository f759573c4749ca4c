import Domain
import FailureStore
import TestSupport
import Testing

/// What waits for a HEAD, for whom, and since when.
struct VerificationRowsTests {
    let files = StoreFiles()
    let now = Timestamp(milliseconds: 2_000_000_000_000)

    func store(_ keys: [String]) async throws -> SQLiteFailureStore {
        let store = try files.open()
        let events = keys.map { failureEvent(key: $0, at: 1_900_000_000_000) }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        return store
    }

    func selected(_ store: SQLiteFailureStore) async throws -> RemediationRun {
        let run = RemediationRun(
            id: "run-1", rule: RuleName(sourceBucket: "orders", ruleID: "r1"), region: "eu-west-1",
            selection: FailureSelection(), priority: 10, createdAt: now, createdBy: "uid 0")
        try await store.save(run)
        return try await store.selectNext(for: run, limit: 1000).run
    }

    @Test func `what was never looked at comes in an order that is not the keys'`() async throws {
        let keys = (0..<200).map { "k\(1000 + $0)" }
        let store = try await store(keys)
        let run = try await selected(store)
        try await store.settleAll(run.id, .submitted, .reportMissing, at: now)
        let due = try await store.dueVerifications(of: run.id, .untried, at: now, limit: 200)
        let order = due.map(\.stored.identity.key.text)
        #expect(Set(order) == Set(keys) && order != keys)
        // Of the first half of the keys about half are among the first half that is looked at.
        let early = order.prefix(100).filter { $0 < "k1100" }.count
        #expect((30...70).contains(early), "\(early)")
        #expect(try await store.dueVerifications(of: nil, .all, at: now, limit: 9).isEmpty)
    }

    @Test func `what waits comes back when it is due, with its tries and its note`() async throws {
        let store = try await store(["a"])
        let run = try await selected(store)
        try await store.settleAll(run.id, .submitted, .reportMissing, at: now)
        let asked = try #require(
            try await store.dueVerifications(of: run.id, .all, at: now, limit: 9).first)
        let later = now.advanced(byMilliseconds: 60_000)
        _ = try await store.record(
            [
                VerificationResult(
                    identity: asked.stored.identity, occurrence: nil, note: "why", retryAt: later)
            ], at: now)
        #expect(try await store.dueVerifications(of: run.id, .all, at: now, limit: 9).isEmpty)
        #expect(try await store.nextVerification(of: run.id, .tried) == later)
        let again = try await store.dueVerifications(of: run.id, .tried, at: later, limit: 9)
        #expect(again.map(\.tries) == [1] && again.first?.stored.failure.note == "why")
        #expect(try await store.dueVerifications(of: run.id, .untried, at: later, limit: 9).isEmpty)
        #expect(try await store.release(run.id, limit: 10) == 1)
        #expect(try await store.release(run.id, limit: 10) == 0)
        #expect(try await store.dueVerifications(of: nil, .all, at: later, limit: 9).count == 1)
        #expect(try files.differencesFromRecount() == "")
    }

    @Test func `an occurrence of another state's chapter changes nothing, and is not waited for`()
        async throws
    {
        let store = try await store(["a"])
        let identity = FailureIdentity(failureEvent(key: "a"))
        let reached = try await store.record(
            [VerificationResult(identity: identity, occurrence: .head(.noStatus), retryAt: now)],
            at: now)
        #expect(reached == [:])
        #expect(try await store.nextVerification(of: nil, .all) == nil)
    }

    @Test func `a wish is stored once, and only for a run that is not over`() async throws {
        let store = try await store(["a"])
        var run = try await selected(store)
        for _ in 0..<2 {
            #expect(try await store.ask(.cancel, of: run.id, by: "uid 0", at: now))
        }
        #expect(try await store.ask(.confirmJob("job 1"), of: run.id, by: "uid 0", at: now))
        #expect(try await store.remediation(run.id)?.run.wishes == [.cancel, .confirmJob("job 1")])
        #expect(try await store.unfinishedRemediations().runs.first?.wishes.count == 2)
        let isOver = run.apply(.abandoned(at: now))
        #expect(isOver)
        try await store.save(run)
        #expect(try await store.ask(.confirmGone, of: run.id, by: "uid 0", at: now) == false)
        #expect(try await store.ask(.cancel, of: "nobody", by: "uid 0", at: now) == false)
    }

    @Test func `rows of a report reach every destination of the rule, and only this run's`()
        async throws
    {
        let store = try await store(["a", "b"])
        let elsewhere = failureEvent(destination: "elsewhere", key: "a", at: 1_900_000_000_000)
        _ = try await store.apply(storeBatch([.event(elsewhere)], from: 3))
        let run = try await selected(store)
        _ = try await store.apply(storeBatch([.event(failureEvent(key: "c"))], from: 4))
        func row(_ key: String, _ version: String = "v1") -> ReportedTask {
            ReportedTask(
                version: ObjectVersion(key: ObjectKey(key), versionID: version),
                task: TaskOutcome(
                    jobID: "j", status: "succeeded", httpStatus: 200, code: nil, message: nil,
                    at: now), kind: .unknown, reason: nil)
        }
        let rows = [row("a"), row("a", "v2"), row("c"), row("a")]
        #expect(try await store.takeIn(rows, of: run.id, rule: run.rule, at: now) == 2)
        let states = try await store.everything().map(\.failure.state)
        #expect(states == [.verifying, .submitted, .open, .verifying])
        #expect(try await store.remediation(run.id)?.tally[.verifying] == 2)
        let told = try await store.timeline(
            bucket: "orders", key: ObjectKey("a"), version: "v1", after: nil, limit: 100)
        #expect(told.entries.filter { $0.what == "rowSucceeded" }.map(\.jobID) == ["j", "j"])
        #expect(try files.differencesFromRecount() == "")
    }

    @Test func `a remediation of version 3 keeps the outcome that it had counted`() async throws {
        try _ = files.open()
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let old = StoreFiles()
        _ = try old.shell(".read '/\(folder)/schema-3.sql'")
        _ = try old.shell(
            """
            UPDATE remediation SET document = json_set(document, '$.outcome.replicated', 7,
              '$.outcome.gone', 2)
            """)
        let tally = try #require(try await old.open().remediation("run-1")?.tally)
        #expect(tally[.replicated] == 7 && tally[.gone] == 2 && tally[.failedAgain] == 0)
        #expect(tally[.submitted] == 1)
    }
}
