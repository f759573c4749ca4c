import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// Stores of older schemas, as committed dumps, opened by this program.
struct MigrationTests {
    let files = StoreFiles()

    func restore(_ dump: String) throws {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        _ = try files.shell(".read '/\(folder)/\(dump)'")
    }

    @Test(arguments: 1...3)
    func `a store of an older schema becomes one of today with all its rows`(
        version: Int
    ) async throws {
        try restore("schema-\(version).sql")
        #expect(try files.shell("PRAGMA user_version") == "\(version)\n")
        let tables = [
            "rule", "destination", "reason", "failure", "counter", "quarantine", "remediation",
            "queue", "mark",
        ]
        let entries = "SELECT id, rule, key, at, what, reason, remediation, by FROM timeline;"
        let hours = "SELECT rule, hour, reason, sum(count) FROM hourly GROUP BY 1, 2, 3;"
        let select = tables.map { "SELECT * FROM \($0);" }.joined() + entries + hours
        let before = try files.shell(select)
        let store = try files.open()
        #expect(try await store.overview().schemaVersion == 5)
        #expect(try files.shell(select) == before)
        #expect(before.split(separator: "\n").count == 31 + min(version, 2))
        #expect(try files.differencesFromRecount() == "")
        #expect(try files.shell("PRAGMA integrity_check") == "ok\n")

        let new = StoreFiles()
        _ = try new.open()
        let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
        #expect(try files.shell(schema) == new.shell(schema))
        print("cases \(tables.count + 2) tables, \(before.split(separator: "\n").count) lines")
    }

    @Test(arguments: 1...3)
    func `the program reads what a store of an older schema held`(version: Int) async throws {
        try restore("schema-\(version).sql")
        let store = try files.open()
        let mark = try await store.mark()
        #expect(mark.appliedLSN == 10 && mark.logID == [UInt8](0..<16))
        let found = try await store.everything()
        #expect(
            found.map(\.identity.key.text) == [
                "closed", "gone?", "parked", "ключ/日本語\u{1b}[31m\n'", "submitted",
            ])
        #expect(
            found.map(\.failure.state) == [.replicated, .verifying, .parked, .open, .submitted])
        let closed = found[0].failure
        #expect(closed.evidence == .status && closed.failureCount == 2)
        #expect(closed.closedAt == Timestamp(milliseconds: 1_700_005_000_000))
        #expect(closed.firstFailedAt == Timestamp(milliseconds: 1_700_000_000_000))
        #expect(closed.lastFailedAt == Timestamp(milliseconds: 1_700_000_001_000))
        #expect(found[3].identity.versionID == "null" && found[3].failure.size == nil)
        #expect(found[4].failure.remediationID == "run-1")
        #expect(found[4].failure.size == 5_000_000_000 && found[4].failure.reason == "NewCode")
        let overview = try await store.overview()
        #expect(overview.failures == 5 && overview.openFailures == 1 && overview.quarantined == 2)
        #expect(overview.knownQueues == ["https://sqs/q"])
        #expect(
            overview.lastTestEvents == ["https://sqs/q": Timestamp(milliseconds: 1_690_000_000_000)]
        )
        let kept = try await store.quarantined(after: 0, limit: 10).entries.map(\.message.body)
        #expect(kept == [[0, 255, 10], [9, 9]])
        let run = try await store.remediation("run-1")?.run
        #expect(run?.state == .planned && run?.objects == 1 && run?.bytes == 5_000_000_000)
        #expect(try await store.rules(RuleName("orders/r1")).map(\.missedThreshold) == [1])
        let told = try await store.timeline(
            bucket: "orders", key: ObjectKey("closed"), version: "v1", after: nil, limit: 10)
        #expect(told.entries.map(\.what) == ["failed", "failed", "headCompleted"])
    }

    @Test(arguments: 1...3)
    func `a migrated store goes on: it applies, closes and lets go`(version: Int) async throws {
        try restore("schema-\(version).sql")
        let store = try files.open()
        let event = failureEvent(key: "closed", at: 1_700_005_000_001)
        let summary = try await store.apply(
            storeBatch([.event(event)], from: 11, at: 1_700_010_000_000))
        #expect(summary.appliedLSN == 11 && summary.changedFailures == 1)
        let time = Timestamp(milliseconds: 1_700_006_000_000)
        _ = try await store.heads(
            [(FailureIdentity(event), .completed(at: time))], at: time)
        let swept = try await store.sweep(at: time.advanced(byMilliseconds: 91 * 86_400_000))
        #expect(swept.failures == 1 && swept.timelineEntries == 2 && swept.quarantined == 2)
        #expect(try files.differencesFromRecount() == "")
    }

    @Test(arguments: 1...3)
    func `opening again migrates nothing`(version: Int) async throws {
        try restore("schema-\(version).sql")
        try await files.open().close()
        let once = try files.shell(".dump")
        try await files.open().close()
        #expect(try files.shell(".dump") == once)
    }
}
