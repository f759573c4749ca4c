import Domain
import GRDB
import TestSupport
import Testing

@testable import FailureStore

/// A store that may not grow: SQLite answers FULL, as on a full disk.
struct FullStoreTests {
    let files = StoreFiles()

    private func apply(_ store: SQLiteFailureStore, _ number: UInt64) async throws {
        let events = (0..<50).map { failureEvent(key: "key-\(number)-\($0)", at: Int64($0)) }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: number * 50 + 1))
    }

    @Test func `a full store says so, keeps all that it had, and goes on once there is room`()
        async throws
    {
        let store = try files.open()
        try await apply(store, 0)
        func allow(_ pages: Int) async throws {
            try await store.pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA max_page_count = \(pages)")
            }
        }
        try await allow(1)
        var failure: StoreFailure?
        var number: UInt64 = 1
        while failure == nil {
            do { try await apply(store, number) } catch { failure = error as? StoreFailure }
            number += 1
        }
        guard case .full(let sentence) = failure else { throw failure ?? .failed("no failure") }
        #expect(sentence.contains(files.path) && sentence.contains("13"))
        #expect(try await store.everything().count == Int(number - 1) * 50)
        try await allow(1_000_000)
        try await apply(store, number - 1)
        #expect(try await store.everything().count == Int(number) * 50)
        try await store.checkpoint()
        #expect(try files.size("-wal") == 0)
        #expect(try files.differencesFromRecount().isEmpty)
    }
}
