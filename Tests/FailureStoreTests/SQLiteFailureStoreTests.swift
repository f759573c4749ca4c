import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

struct SQLiteFailureStoreTests {
    let directory = TemporaryDirectory()

    func open() throws -> SQLiteFailureStore {
        try SQLiteFailureStore.open(
            path: directory.path + "/failures.db", writer: .blocking("writer"),
            reader: .blocking("reader"))
    }

    func batch(_ events: [ReplicationEvent], from lsn: UInt64 = 1) -> StoreBatch {
        StoreBatch(
            records: events.enumerated().map { (lsn + UInt64($0.offset), .event($0.element)) },
            at: Timestamp(milliseconds: 5000))
    }

    @Test func `a record is applied once, however often it is replayed`() async throws {
        let store = try open()
        let records = batch([failureEvent(at: 1000), failureEvent(at: 2000)])
        let first = try await store.apply(records)
        #expect(first.newFailures == 1)
        #expect(first.changedFailures == 1)
        let again = try await store.apply(records)
        #expect(again.newFailures == 0 && again.changedFailures == 0)
        #expect(try await store.mark().appliedLSN == 2)
        let page = try await store.page(FailureQuery(selection: FailureSelection()))
        #expect(page.failures.map(\.failure.failureCount) == [2])
    }

    @Test func `what was applied is there after opening again`() async throws {
        let store = try open()
        _ = try await store.apply(batch([failureEvent(key: "ключ/日本語\u{1b}[31m\n")]))
        try await store.adoptLogID([UInt8](repeating: 7, count: 16))
        try await store.close()
        let again = try open()
        let mark = try await again.mark()
        #expect(mark.logID == [UInt8](repeating: 7, count: 16))
        #expect(mark.appliedLSN == 1)
        let page = try await again.page(FailureQuery(selection: FailureSelection()))
        #expect(page.failures.map(\.identity.key) == [ObjectKey("ключ/日本語\u{1b}[31m\n")])
    }

    @Test func `a queue is known from its first event on, with or without a test event`()
        async throws
    {
        let store = try open()
        let test = NotificationTest(queueURL: "q", bucket: "b", time: Timestamp(milliseconds: 7))
        try await store.recognize(queueURLs: ["q"])
        #expect(try await store.overview().knownQueues == ["q"])
        #expect(try await store.overview().lastTestEvents.isEmpty)
        _ = try await store.apply(
            StoreBatch(records: [(1, .notificationTest(test))], at: test.time))
        try await store.recognize(queueURLs: ["q"])
        #expect(try await store.overview().lastTestEvents == ["q": test.time])
    }

    @Test func `a pause is remembered until it is ended`() async throws {
        let store = try open()
        #expect(try await store.overview().pausedUntil == nil)
        try await store.pauseIntake(until: Timestamp(milliseconds: 9))
        try await store.close()
        let again = try open()
        #expect(try await again.overview().pausedUntil == Timestamp(milliseconds: 9))
        try await again.pauseIntake(until: nil)
        #expect(try await again.overview().pausedUntil == nil)
    }

    @Test func `only a failure event makes a failure`() async throws {
        let store = try open()
        let names = ReplicationEvent.Name.allCases.filter { $0 != .operationFailed }
        _ = try await store.apply(batch(names.map { failureEvent(name: $0) }))
        let time = Timestamp(milliseconds: 9000)
        let findings: [HeadFinding] = [
            .noStatus, .archived, .completed(at: time), .failedOurs, .absent(at: time),
        ]
        _ = try await store.heads(
            findings.map { (FailureIdentity(failureEvent()), $0) }, at: time)
        #expect(try await store.overview().failures == 0)
        let told = try await store.timeline(
            bucket: "orders", key: ObjectKey("a"), version: "v1", after: nil, limit: 10)
        #expect(told.entries.isEmpty)
    }

    @Test func `pages of every size list every failure once and in order`() async throws {
        let store = try open()
        let events = (0..<57).map { failureEvent(rule: "r\($0 % 3)", key: "k\($0)", at: Int64($0)) }
        _ = try await store.apply(batch(events.shuffled()))
        var sizes = 0
        for limit in [1, 2, 7, 56, 57, 58, 1000] {
            for order in [FailureQuery.Order.key, .newest, .oldest] {
                var selection = FailureSelection()
                if order != .key {
                    selection.rule = RuleName(sourceBucket: "orders", ruleID: "r1")
                    selection.state = .open
                }
                let found = try await all(store, selection, order, limit)
                #expect(found.count == (order == .key ? 57 : 19))
                #expect(Set(found.map(\.identity)).count == found.count)
                let times = found.map(\.failure.lastFailedAt)
                if order == .newest { #expect(times == times.sorted(by: >)) }
                if order == .oldest { #expect(times == times.sorted()) }
                sizes += 1
            }
        }
        #expect(sizes == 21)
    }

    func all(
        _ store: SQLiteFailureStore, _ selection: FailureSelection, _ order: FailureQuery.Order,
        _ limit: Int
    ) async throws -> [StoredFailure] {
        var found: [StoredFailure] = []
        var cursor: String?
        repeat {
            let page = try await store.page(
                FailureQuery(selection: selection, order: order, limit: limit, cursor: cursor))
            #expect(page.failures.count <= limit)
            found += page.failures
            cursor = page.nextCursor
        } while cursor != nil
        return found
    }

    @Test func `a cursor that is not ours is refused`() async throws {
        let store = try open()
        for cursor in ["", "AQ", "=", "not a cursor", "AQE", String(repeating: "A", count: 9000)] {
            await #expect(throws: StoreFailure.self, "\(cursor.prefix(20))") {
                try await store.page(FailureQuery(selection: FailureSelection(), cursor: cursor))
            }
        }
    }

    @Test func `every filter selects what it names`() async throws {
        let store = try open()
        _ = try await store.apply(
            batch([
                failureEvent(rule: "a", key: "x/1", at: 1000, reason: "SrcKeyNotFound"),
                failureEvent(rule: "b", destination: "other", key: "x/2", at: 2000),
                failureEvent(bucket: "invoices", key: "y/1", version: "v2", at: 3000),
            ]))
        var cases: [(FailureSelection, [String])] = []
        func add(_ keys: [String], _ change: (inout FailureSelection) -> Void) {
            var selection = FailureSelection()
            change(&selection)
            cases.append((selection, keys))
        }
        add(["x/1"]) { $0.rule = RuleName("orders/a") }
        add(["y/1"]) { $0.bucket = "invoices" }
        add(["x/2"]) { $0.destination = "other" }
        add(["x/1"]) { $0.state = .verifying }
        add(["x/2", "y/1"]) { $0.reason = "DstBucketNotFound" }
        add(["x/1"]) { $0.reasonClass = .gone }
        add([]) { $0.operation = "OBJECT_DELETE" }
        add(["x/1", "x/2"]) { $0.prefix = ObjectKey("x/") }
        add(["x/2"]) { $0.key = ObjectKey("x/2") }
        add(["y/1"]) { $0.version = "v2" }
        add(["x/2", "y/1"]) { $0.since = Timestamp(milliseconds: 2000) }
        add(["x/1"]) { $0.until = Timestamp(milliseconds: 2000) }
        add(["y/1"]) { $0.firstSince = Timestamp(milliseconds: 3000) }
        add(["x/1"]) { $0.firstUntil = Timestamp(milliseconds: 1000) }
        for (selection, keys) in cases {
            let found = try await all(store, selection, .key, 10)
            #expect(found.map(\.identity.key.text).sorted() == keys, "\(selection)")
        }
    }

    @Test func `a quarantined message is kept whole and once`() async throws {
        let store = try open()
        let message = QuarantinedMessage(
            queueURL: "q", messageID: "m", receivedAt: Timestamp(milliseconds: 1), problem: "p",
            offset: 3, body: [0, 255, 10])
        let records: [StoreRecord] = [
            .quarantined(message), .quarantined(message),
            .poisoned(payload: [9], problem: "version 7"),
        ]
        let summary = try await store.apply(
            StoreBatch(
                records: records.enumerated().map { (UInt64($0.offset + 1), $0.element) },
                at: Timestamp(milliseconds: 1)))
        #expect(summary.quarantined == 2)
        let kept = try await store.quarantined(after: 0, limit: 10).entries
        #expect(kept.map(\.message.body) == [[0, 255, 10], [9]])
        #expect(kept[1].message.messageID == "LSN 3")
    }

    @Test func `a page of the quarantine ends at 4 MiB of bodies, and its next one goes on`()
        async throws
    {
        let store = try open()
        let records = (1...10).map { number in
            let message = QuarantinedMessage(
                queueURL: "q", messageID: "m\(number)", receivedAt: Timestamp(milliseconds: 1),
                problem: "p", offset: 0, body: [UInt8](repeating: 1, count: 1 << 20))
            return (UInt64(number), StoreRecord.quarantined(message))
        }
        _ = try await store.apply(StoreBatch(records: records, at: Timestamp(milliseconds: 1)))
        var sizes: [Int] = []
        var position: Int64? = 0
        while let after = position {
            let page = try await store.quarantined(after: after, limit: 1000)
            sizes.append(page.entries.count)
            position = page.nextID
        }
        #expect(sizes == [4, 4, 2])
        let whole = try await store.quarantined(after: 0, limit: 10)
        #expect(whole.nextID == 4)
        let last = try await store.quarantined(after: 8, limit: 2)
        #expect(last.entries.count == 2 && last.nextID == nil)
    }

    @Test func `sizes that no sum holds are refused, record by record, and end nothing`()
        async throws
    {
        let store = try open()
        let huge = ["a", "b"].map { failureEvent(key: $0, size: .max) }
        await #expect(throws: StoreFailure.self) { try await store.apply(batch(huge)) }
        _ = try await store.apply(batch([huge[0]]))
        await #expect(throws: StoreFailure.self) {
            try await store.apply(batch([huge[1]], from: 2))
        }
        let other = failureEvent(key: "c", reason: "DstBucketUnversioned", size: .max)
        _ = try await store.apply(batch([other], from: 2))
        let rule = try #require(try await store.rules(nil).first)
        #expect(rule.counts[.open] == 2 && rule.openBytes == .max)
        var selection = FailureSelection()
        selection.rule = rule.rule
        #expect(try await store.plan(selection).bytes == .max)
    }

    @Test func `a store of a newer schema is refused by name`() async throws {
        let path = directory.path + "/failures.db"
        try await open().close()
        let (status, output) = try run("sqlite3", path, "PRAGMA user_version = 99")
        #expect(status == 0, "\(output)")
        #expect {
            try open()
        } throws: { "\($0)".contains("schema version 99") && "\($0)".contains(path) }
    }
}
