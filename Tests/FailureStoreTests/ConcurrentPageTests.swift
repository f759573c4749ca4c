import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// Keyset pages while the writer goes on.
struct ConcurrentPageTests {
    let files = StoreFiles()
    static let steady = 600

    func key(_ number: Int) -> String { "k\(String(1_000_000 + number).dropFirst())" }

    @Test(arguments: [FailureQuery.Order.key, .newest, .oldest])
    func `a reader meets every failure that was there throughout once, whatever is written`(
        order: FailureQuery.Order
    ) async throws {
        let store = try files.open()
        // Even numbers stay as they are; odd ones come, close and fail again between the pages.
        let steady = (0..<Self.steady).map {
            failureEvent(key: key($0 * 2), at: Int64($0 % 50 * 1000 + 1))
        }
        _ = try await store.apply(storeBatch(steady.map { .event($0) }, from: 1))
        let written = AsyncStream.makeStream(of: Void.self)
        let writer = Task { try await write(store, written.continuation) }
        var writes = written.stream.makeAsyncIterator()
        var selection = FailureSelection()
        if order != .key {
            selection.rule = RuleName(sourceBucket: "orders", ruleID: "r1")
            selection.state = .open
        }
        var (found, pages, between): ([StoredFailure], Int, Int) = ([], 0, 0)
        var cursor: String?
        repeat {
            // At least one write between two pages, as long as there are any.
            if await writes.next() != nil { between += 1 }
            let page = try await store.page(
                FailureQuery(selection: selection, order: order, limit: 7, cursor: cursor))
            found += page.failures
            cursor = page.nextCursor
            pages += 1
        } while cursor != nil
        writer.cancel()
        try await writer.value
        let names = found.map(\.identity.key.text)
        let wanted = (0..<Self.steady).map { key($0 * 2) }
        let expected = Set(wanted)
        #expect(names.filter(expected.contains).sorted() == wanted)
        #expect(between >= pages - 1 && pages > 80)
        print("cases \(order): \(pages) pages, \(between) writes between them")
    }

    func write(
        _ store: SQLiteFailureStore, _ written: AsyncStream<Void>.Continuation
    ) async throws {
        var random = SeededGenerator(seed: 5)
        var lsn = UInt64(Self.steady + 1)
        while !Task.isCancelled {
            let number = Int.random(in: 0..<Self.steady, using: &random) * 2 + 1
            let time = Int64.random(in: 0..<50_000, using: &random)
            let event = failureEvent(key: key(number), at: time)
            _ = try await store.apply(storeBatch([.event(event)], from: lsn))
            lsn += 1
            if lsn.isMultiple(of: 3) {
                let finding = HeadFinding.absent(at: Timestamp(milliseconds: 60_000))
                _ = try await store.heads(
                    [(FailureIdentity(event), finding)], at: Timestamp(milliseconds: 1))
            }
            written.yield()
        }
        written.finish()
    }
}
