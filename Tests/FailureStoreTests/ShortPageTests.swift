import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// Pages that end before they are full: no snapshot is held for long.
struct ShortPageTests {
    let files = StoreFiles()

    func store(_ options: StoreOptions) async throws -> SQLiteFailureStore {
        let store = try files.open(options)
        let events = (0..<100).map {
            failureEvent(
                key: "k\($0 + 100)", at: Int64($0), reason: $0 % 33 == 0 ? "Rare" : "Common")
        }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        return store
    }

    func pages(
        _ store: SQLiteFailureStore, _ order: FailureQuery.Order
    ) async throws -> [[String]] {
        var query = FailureQuery(selection: FailureSelection(), order: order, limit: 10)
        query.selection.reason = "Rare"
        query.selection.state = .open
        query.selection.rule = RuleName(sourceBucket: "orders", ruleID: "r1")
        var pages: [[String]] = []
        repeat {
            let page = try await store.page(query)
            pages.append(page.failures.map(\.identity.key.text))
            query.cursor = page.nextCursor
        } while query.cursor != nil
        return pages
    }

    @Test(arguments: [FailureQuery.Order.key, .newest, .oldest])
    func `a page stops after the rows that it may look at, and the next goes on`(
        order: FailureQuery.Order
    ) async throws {
        var options = StoreOptions()
        #expect(options.pageRows == 50_000 && options.pageDuration == .seconds(1))
        options.pageRows = 20
        let pages = try await pages(store(options), order)
        // Five full looks, and one that finds the end.
        #expect(pages.count == 6)
        #expect(pages.joined().sorted() == ["k100", "k133", "k166", "k199"])
    }

    @Test func `a page stops when its time is over, and never without a row`() async throws {
        var options = StoreOptions()
        options.pageDuration = .zero
        let pages = try await pages(store(options), .key)
        #expect(pages.count == 100)
        #expect(Array(pages.joined()) == ["k100", "k133", "k166", "k199"])
    }

    @Test func `a selection goes on over short pages`() async throws {
        var options = StoreOptions()
        options.pageRows = 20
        let store = try await store(options)
        var selection = FailureSelection()
        selection.reason = "Rare"
        var run = RemediationRun(
            id: "run", rule: RuleName(sourceBucket: "orders", ruleID: "r1"), region: "eu-west-1",
            selection: selection, priority: 1, createdAt: Timestamp(milliseconds: 1),
            createdBy: "uid 0")
        try await store.save(run)
        var chunks = 0
        while true {
            let result = try await store.selectNext(for: run, limit: 10)
            run = result.run
            chunks += 1
            if result.isComplete { break }
        }
        #expect(run.objects == 4 && chunks == 6)
    }

    @Test func `a plan with filters goes over short pages, and is not held up by a writer`()
        async throws
    {
        var options = StoreOptions()
        options.pageRows = 7
        let store = try await store(options)
        var selection = FailureSelection()
        selection.rule = RuleName(sourceBucket: "orders", ruleID: "r1")
        selection.reason = "Rare"
        let plan = try await store.plan(selection)
        #expect(plan.objects == 4 && plan.bytes == 40)
        #expect(plan.reasons.map(\.reason) == ["Rare"])
        selection.reason = nil
        selection.until = Timestamp(milliseconds: 60)
        let early = try await store.plan(selection)
        #expect(early.objects == 60 && early.reasons.map(\.open) == [58, 2])
    }

    @Test func `a plan from counters is the plan from the rows`() async throws {
        let store = try await store(StoreOptions())
        var selection = FailureSelection()
        selection.rule = RuleName(sourceBucket: "orders", ruleID: "r1")
        let counted = try await store.plan(selection)
        selection.prefix = ObjectKey("k")
        let looked = try await store.plan(selection)
        #expect(counted == looked)
        #expect(counted.objects == 100 && counted.bytes == 1000)
        selection.prefix = nil
        selection.state = .parked
        #expect(try await store.plan(selection).objects == 0)
    }
}
