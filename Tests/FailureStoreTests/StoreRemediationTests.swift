import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

struct StoreRemediationTests {
    let directory = TemporaryDirectory()
    let now = Timestamp(milliseconds: 10_000)

    func store(_ events: [ReplicationEvent]) async throws -> SQLiteFailureStore {
        let store = try SQLiteFailureStore.open(
            path: directory.path + "/failures.db", writer: .blocking("writer"),
            reader: .blocking("reader"))
        _ = try await store.apply(
            StoreBatch(
                records: events.enumerated().map { (UInt64($0.offset + 1), .event($0.element)) },
                at: now))
        return store
    }

    func run(_ id: String = "run-1", rule: String = "r1") -> RemediationRun {
        RemediationRun(
            id: id, rule: RuleName(sourceBucket: "orders", ruleID: rule), region: "eu-west-1",
            selection: FailureSelection(), priority: 10, createdAt: now, createdBy: "uid 0")
    }

    func states(_ store: SQLiteFailureStore) async throws -> [String: FailureState] {
        let page = try await store.page(FailureQuery(selection: FailureSelection(), limit: 1000))
        return Dictionary(
            page.failures.map {
                ("\($0.identity.rule.ruleID) \($0.identity.key.text)", $0.failure.state)
            }
        ) { first, _ in first }
    }

    @Test func `selection goes by chunks, stores its place, and takes only the rule's open ones`()
        async throws
    {
        let events =
            (0..<25).map { failureEvent(key: "k\($0)", at: 1000) }
            + [
                failureEvent(rule: "r2", key: "other", at: 1000),
                failureEvent(key: "parked", at: 1000, reason: "SrcObjectNotEligible"),
            ]
        let store = try await store(events)
        var run = run()
        try await store.save(run)
        var chunks = 0
        while true {
            let result = try await store.selectNext(for: run, limit: 10)
            run = result.run
            chunks += 1
            if result.isComplete { break }
        }
        #expect(chunks == 3)
        #expect(run.objects == 25 && run.bytes == 250)
        let stored = try await store.remediation("run-1")
        #expect(stored?.run == run)
        let states = try await states(store)
        #expect(states.values.filter { $0 == .submitted }.count == 25)
        #expect(states["r2 other"] == .open)
        #expect(states["r1 parked"] == .parked)
        #expect(stored?.tally[.submitted] == 25)
    }

    @Test func `COMPLETED closes every failure of the version, and counts the run's own`()
        async throws
    {
        let store = try await store([
            failureEvent(key: "a", at: 1000),
            failureEvent(rule: "r2", destination: "elsewhere", key: "a", at: 1500),
            failureEvent(rule: "r2", destination: "elsewhere", key: "a", version: "v2", at: 1500),
        ])
        let run = run()
        try await store.save(run)
        _ = try await store.selectNext(for: run, limit: 10)
        try await store.settleAll("run-1", .submitted, .reportMissing, at: now)
        let due = try await store.dueVerifications(of: "run-1", .all, at: now, limit: 10)
        let identity = try #require(due.first?.stored.identity)
        #expect(due.count == 1 && due[0].region == "eu-west-1" && due[0].tries == 0)
        try await store.heads([(identity, .completed(at: Timestamp(milliseconds: 2000)))], at: now)
        let tally = try #require(try await store.remediation("run-1")?.tally)
        #expect(tally[.replicated] == 1 && tally[.verifying] == 0)
        #expect(try await store.nextVerification(of: "run-1", .all) == nil)
        let page = try await store.page(FailureQuery(selection: FailureSelection()))
        let replicated = page.failures.filter { $0.failure.state == .replicated }
        #expect(replicated.map(\.identity.versionID) == ["v1", "v1"])
    }

    @Test func `an answer older than another rule's failure leaves it to its own HEAD`()
        async throws
    {
        let store = try await store([
            failureEvent(key: "a", at: 1000),
            failureEvent(rule: "r2", destination: "elsewhere", key: "a", at: 2500),
        ])
        for (id, rule) in [("run-1", "r1"), ("run-2", "r2")] {
            let run = run(id, rule: rule)
            try await store.save(run)
            _ = try await store.selectNext(for: run, limit: 10)
            try await store.settleAll(id, .submitted, .reportMissing, at: now)
        }
        let asked = try #require(
            try await store.dueVerifications(of: "run-1", .all, at: now, limit: 10)
                .first?.stored.identity)
        _ = try await store.heads(
            [(asked, .completed(at: Timestamp(milliseconds: 2000)))], at: now)
        let page = try await store.page(FailureQuery(selection: FailureSelection()))
        #expect(page.failures.map(\.failure.state) == [.replicated, .verifying])
    }

    @Test func `a failure after the remediation's end is open, one before it waits for its HEAD`()
        async throws
    {
        let store = try await store([failureEvent(at: 1000)])
        var run = try await store.selectNext(for: run(), limit: 10).run
        try await store.settleAll(run.id, .submitted, .reportMissing, at: now)
        func stateAfterFailure(_ lsn: UInt64) async throws -> FailureState? {
            let event = failureEvent(at: Int64(lsn) * 1000)
            _ = try await store.apply(StoreBatch(records: [(lsn, .event(event))], at: now))
            return try await states(store)["r1 a"]
        }
        #expect(try await stateAfterFailure(2) == .verifying)
        let isOver = run.apply(.refused("its time is over", at: now))
        #expect(isOver)
        try await store.save(run)
        #expect(try await stateAfterFailure(3) == .open)
    }

    @Test func `what the job never got goes back to open`() async throws {
        let store = try await store([failureEvent(key: "a", at: 1000)])
        let run = run()
        try await store.save(run)
        _ = try await store.selectNext(for: run, limit: 10)
        try await store.settleAll("run-1", .submitted, .leftOut, at: now)
        #expect(try await states(store) == ["r1 a": .open])
        #expect(try await store.unfinishedRemediations().runs.map(\.id) == ["run-1"])
    }

    @Test func `a timeline tells the failures first, then what was done, a page at a time`()
        async throws
    {
        let store = try await store([
            failureEvent(key: "a", at: 1000), failureEvent(key: "a", at: 3000),
        ])
        let run = run()
        try await store.save(run)
        _ = try await store.selectNext(for: run, limit: 10)
        try await store.settleAll("run-1", .submitted, .reportMissing, at: now)
        for limit in [1, 2, 3, 100] {
            var told: [String] = []
            var position: Int64?
            repeat {
                let page = try await store.timeline(
                    bucket: "orders", key: ObjectKey("a"), version: "v1", after: position,
                    limit: limit)
                told += page.entries.map(\.what)
                position = page.nextPosition
            } while position != nil
            #expect(told == ["failed", "failed", "selected", "jobEnded"], "limit \(limit)")
        }
    }

    @Test func `a document that cannot be read is named, and the others go on`() async throws {
        let store = try await store([])
        for id in ["run-1", "run-2", "run-3"] { try await store.save(run(id)) }
        try await store.close()
        let (status, output) = try TestSupport.run(
            "sqlite3", directory.path + "/failures.db",
            "UPDATE remediation SET document = '{\"id\":7}' WHERE id = 'run-2'")
        #expect(status == 0, "\(output)")
        let again = try await self.store([])
        let unfinished = try await again.unfinishedRemediations()
        #expect(unfinished.runs.map(\.id) == ["run-1", "run-3"])
        #expect(unfinished.unreadable.map(\.id) == ["run-2"])
        #expect(unfinished.unreadable.first?.sentence.isEmpty == false)
        let page = try await again.remediations(before: nil, limit: 2)
        #expect(page.remediations.map(\.run.id) == ["run-3"])
        let rest = try await again.remediations(before: page.nextSequence, limit: 2)
        #expect(rest.remediations.map(\.run.id) == ["run-1"] && rest.nextSequence == nil)
        await #expect(throws: StoreFailure.self) { try await again.remediation("run-2") }
    }

    @Test func `a plan counts by reason and names the bucket's other rules`() async throws {
        let store = try await store([
            failureEvent(key: "a", at: 1000), failureEvent(key: "b", at: 1000, reason: "New"),
            failureEvent(rule: "r2", key: "a", at: 1000),
            failureEvent(bucket: "invoices", rule: "r9", key: "a", at: 1000),
        ])
        var selection = FailureSelection()
        selection.rule = RuleName(sourceBucket: "orders", ruleID: "r1")
        let plan = try await store.plan(selection)
        #expect(plan.objects == 2 && plan.bytes == 20)
        #expect(Set(plan.reasons.map(\.reason)) == ["DstBucketNotFound", "New"])
        #expect(plan.otherRules.map(\.description) == ["orders/r2"])
    }
}
