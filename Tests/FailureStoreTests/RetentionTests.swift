import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// What the store lets go, and what it makes of events that are older than that.
struct RetentionTests {
    static let day: Int64 = 86_400_000
    let files = StoreFiles()
    let closedAt = Timestamp(milliseconds: 1_000_000)

    func options(_ change: (inout StoreOptions) -> Void) -> StoreOptions {
        var options = StoreOptions()
        change(&options)
        return options
    }

    func days(_ count: Int64) -> Timestamp { closedAt.advanced(byMilliseconds: count * Self.day) }

    /// Failures `k0` … as they came; the first `closed` of them are found absent.
    func fill(_ store: SQLiteFailureStore, _ count: Int, closed: Int) async throws {
        let events = (0..<count).map { failureEvent(key: "k\($0)", at: Int64($0 * 100)) }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        _ = try await store.heads(
            events[..<closed].map { (FailureIdentity($0), .absent(at: closedAt)) }, at: closedAt)
    }

    @Test func `closed failures go in transactions of 1,000 rows, with their timeline and counts`()
        async throws
    {
        let store = try files.open()
        try await fill(store, 2600, closed: 2500)
        #expect(try await store.sweep(at: days(90)) == SweepSummary())
        var (sweeps, failures, entries) = (0, 0, 0)
        while true {
            let summary = try await store.sweep(at: days(90).advanced(byMilliseconds: 1))
            #expect(summary.failures + summary.timelineEntries <= 1000)
            #expect(try files.differencesFromRecount() == "")
            sweeps += 1
            failures += summary.failures
            entries += summary.timelineEntries
            if summary.isComplete { break }
        }
        #expect(failures == 2500 && entries == 2500 && sweeps == 6)
        #expect(try files.shell("SELECT count(*) FROM timeline") == "0\n")
        let rest = try await store.everything()
        #expect(rest.count == 100 && rest.allSatisfy { $0.failure.state == .open })
        #expect(try await store.overview().failures == 100)
        print("cases \(sweeps) sweeps, \(failures) failures, \(entries) timeline entries")
    }

    @Test func `what is not closed stays, however old`() async throws {
        let store = try files.open()
        let events = [
            failureEvent(key: "open"),
            failureEvent(key: "parked", reason: "SrcObjectNotEligible"),
            failureEvent(key: "verifying", reason: "SrcKeyNotFound"),
        ]
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        #expect(try await store.sweep(at: days(10_000)) == SweepSummary())
        #expect(try await store.everything().count == 3)
    }

    @Test func `nothing is let go under 30 days, whatever is configured`() async throws {
        let store = try files.open(options { $0.closedRetention = Self.day })
        try await fill(store, 3, closed: 3)
        #expect(try await store.sweep(at: days(30)).failures == 0)
        #expect(try await store.sweep(at: days(31)).failures == 3)
    }

    @Test func `retention can be changed while the store is open`() async throws {
        let store = try files.open()
        try await fill(store, 3, closed: 3)
        try await quarantine(store, [10, 10, 10], from: 4)
        #expect(try await store.sweep(at: days(20)) == SweepSummary())
        await store.keep(closed: Self.day, quarantine: 30 * Self.day, quarantineMaxBytes: 20)
        #expect(try await store.sweep(at: days(20)).quarantined == 1)
        await store.keep(closed: Self.day, quarantine: Self.day, quarantineMaxBytes: 20)
        let swept = try await store.sweep(at: days(31))
        #expect(swept.quarantined == 2 && swept.failures == 3)
    }

    @Test func `a timeline that is longer than a sweep goes in several, its failure last`()
        async throws
    {
        let first = try files.open()
        try await fill(first, 1, closed: 1)
        try await first.close()
        _ = try files.shell(
            """
            INSERT INTO timeline (rule, destination, key, version, at, what)
            SELECT rule, destination, key, version, 1, 'selected' FROM failure,
              (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
               SELECT i FROM n)
            """)
        let store = try files.open()
        var told: [[Int]] = []
        for _ in 0..<3 {
            let summary = try await store.sweep(at: days(91))
            told.append([summary.timelineEntries, summary.failures])
        }
        #expect(told == [[1000, 0], [1000, 0], [500, 1]])
        #expect(try files.differencesFromRecount() == "")
    }

    func quarantine(_ store: SQLiteFailureStore, _ sizes: [Int], from lsn: UInt64 = 1) async throws
    {
        let records = sizes.enumerated().map { number, size in
            StoreRecord.quarantined(
                QuarantinedMessage(
                    queueURL: "q", messageID: "m\(lsn)-\(number)",
                    receivedAt: days(Int64(number)), problem: "p", offset: 0,
                    body: [UInt8](repeating: 0, count: size)))
        }
        _ = try await store.apply(storeBatch(records, from: lsn))
    }

    @Test func `quarantine goes by age, oldest first`() async throws {
        let store = try files.open(options { $0.quarantineRetention = 2 * Self.day })
        try await quarantine(store, [10, 10, 10, 10])
        let summary = try await store.sweep(at: days(3).advanced(byMilliseconds: 1))
        #expect(summary.quarantined == 2 && summary.isComplete)
        let kept = try await store.quarantined(after: 0, limit: 10)
        #expect(kept.entries.map(\.message.messageID) == ["m1-2", "m1-3"])
        #expect(try await store.overview().quarantined == 2)
        #expect(try files.differencesFromRecount() == "")
    }

    @Test func `quarantine beyond its bytes goes, oldest first, in transactions of 1,000`()
        async throws
    {
        let store = try files.open(options { $0.quarantineMaxBytes = 25 })
        try await quarantine(store, Array(repeating: 10, count: 1500))
        var told: [Int] = []
        repeat {
            told.append(try await store.sweep(at: closedAt).quarantined)
        } while told.last == 1000
        #expect(told == [1000, 498])
        #expect(try await store.quarantined(after: 0, limit: 10).entries.count == 2)
        #expect(try files.differencesFromRecount() == "")
    }

    @Test func `an event older than closed failures are kept is counted and starts in verifying`()
        async throws
    {
        let now = days(200)
        let limit = now.milliseconds - 90 * Self.day
        let store = try files.open()
        let events = [
            failureEvent(key: "old", at: limit - 1),
            failureEvent(key: "old and ineligible", at: limit - 1, reason: "SrcObjectNotEligible"),
            failureEvent(key: "just kept", at: limit),
            failureEvent(key: "stored", at: limit + 5),
            // For a stored failure the table holds: not newer changes nothing, newer opens.
            failureEvent(key: "stored", at: limit - 5),
            failureEvent(key: "opens", at: limit - 9, reason: "SrcKeyNotFound"),
            failureEvent(key: "opens", at: limit - 8),
        ]
        let summary = try await store.apply(
            storeBatch(events.map { .event($0) }, from: 1, at: now.milliseconds))
        #expect(summary.tooOld == 3 && summary.newFailures == 5 && summary.duplicates == 1)
        let states = Dictionary(
            uniqueKeysWithValues: try await store.everything().map {
                ($0.identity.key.text, $0.failure.state)
            })
        #expect(
            states == [
                "old": .verifying, "old and ineligible": .verifying, "just kept": .open,
                "stored": .open, "opens": .open,
            ])
        try await store.close()
        #expect(try await files.open().overview().tooOld == 3)
    }

    @Test func `a late duplicate of a failure that was let go is not open again`() async throws {
        let store = try files.open()
        try await fill(store, 1, closed: 1)
        #expect(try await store.sweep(at: days(91)).failures == 1)
        let late = failureEvent(key: "k0", at: 0)
        let summary = try await store.apply(
            storeBatch([.event(late)], from: 2, at: days(91).milliseconds))
        #expect(summary.tooOld == 1)
        #expect(try await store.everything().map(\.failure.state) == [.verifying])
    }
}
