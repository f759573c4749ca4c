import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

struct ManifestPageTests {
    private let files = StoreFiles()

    private func rows(
        _ store: SQLiteFailureStore, limit: Int
    ) async throws -> (rows: [String], pages: Int) {
        var rows: [String] = []
        var pages = 0
        var last: (key: ObjectKey, versionID: String)?
        while true {
            let page = try await store.manifestPage(of: "run-1", after: last, limit: limit)
            rows += (0..<page.count).map { row in
                String(decoding: page[row].key + [0x20] + page[row].versionID, as: UTF8.self)
            }
            pages += 1
            last = page.last ?? last
            if page.isLast { return (rows, pages) }
        }
    }

    @Test
    func `a run's versions come in order of key and version, whatever destination they failed at`()
        async throws
    {
        let store = try files.open()
        let events = [
            failureEvent(destination: "z", key: "b", version: "1"),
            failureEvent(destination: "y", key: "c", version: "1"),
            failureEvent(destination: "z", key: "a", version: "2"),
            failureEvent(destination: "y", key: "a", version: "2"),
            failureEvent(destination: "y", key: "a", version: "10"),
            failureEvent(destination: "z", key: "d", version: "null"),
            failureEvent(destination: "y", key: "e", version: "1", reason: "SrcObjectNotEligible"),
            failureEvent(rule: "r2", key: "f", version: "1"),
        ]
        let records = events.map { StoreRecord.event($0) }
        _ = try await store.apply(storeBatch(records, from: 1))
        let run = RemediationRun(
            id: "run-1", rule: RuleName(sourceBucket: "orders", ruleID: "r1"), region: "eu-west-1",
            selection: FailureSelection(), priority: 10, createdAt: Timestamp(milliseconds: 0),
            createdBy: "uid 0")
        try await store.save(run)
        #expect(try await store.selectNext(for: run, limit: 100).isComplete)
        let wanted = ["a 10", "a 2", "a 2", "b 1", "c 1", "d null"]
        for limit in [2, 3, 5, 6, 100] {
            let found = try await rows(store, limit: limit)
            // A version that failed at two destinations comes twice, except at a page's end.
            #expect(Set(found.rows) == Set(wanted) && found.rows == found.rows.sorted(), "\(limit)")
            #expect((found.pages > 1) == (limit < 6), "\(limit)")
        }
        #expect(try await rows(store, limit: 100).rows == wanted)
        try await store.close()
    }
}
