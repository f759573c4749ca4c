import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// The counters behind every overview equal a recount after random histories.
struct CounterTests {
    let directory = TemporaryDirectory()

    @Test func `counters equal a recount after a random history`() async throws {
        let store = try SQLiteFailureStore.open(
            path: directory.path + "/failures.db", writer: .blocking("writer"),
            reader: .blocking("reader"))
        var random = SeededGenerator(seed: 42)
        var lsn: UInt64 = 1
        let reasons = ["DstBucketNotFound", "SrcKeyNotFound", "SrcObjectNotEligible", "New"]
        let steps = 2000
        for step in 0..<steps {
            let event = failureEvent(
                rule: "r\(Int.random(in: 0..<3, using: &random))",
                destination: "d\(Int.random(in: 0..<2, using: &random))",
                key: "k\(Int.random(in: 0..<20, using: &random))",
                at: Int64.random(in: 0..<10_000_000, using: &random),
                reason: reasons.randomElement(using: &random),
                size: Int64.random(in: 0..<1000, using: &random))
            _ = try await store.apply(
                StoreBatch(records: [(lsn, .event(event))], at: Timestamp(milliseconds: 1)))
            lsn += 1
            guard step % 50 == 0 else { continue }
            let found = try await store.page(
                FailureQuery(selection: FailureSelection(), limit: 1000))
            let picked = found.failures.randomElement(using: &random)
            let findings: [HeadFinding] = [
                .noStatus, .failedOurs, .completed(at: Timestamp(milliseconds: 9_000_000)),
                .absent(at: Timestamp(milliseconds: 5)),
            ]
            guard let picked, let finding = findings.randomElement(using: &random) else { continue }
            _ = try await store.heads(
                [(picked.identity, finding)], at: Timestamp(milliseconds: 1))
        }
        try await expectCountersEqualRecount(store)
        print("steps \(steps)")
    }

    func expectCountersEqualRecount(_ store: SQLiteFailureStore) async throws {
        let everything = try await store.page(
            FailureQuery(selection: FailureSelection(), limit: 1000))
        let rules = try await store.rules(nil)
        #expect(rules.count == 3)
        for rule in rules {
            let mine = everything.failures.filter { $0.identity.rule == rule.rule }
            for state in FailureState.allCases {
                let expected = mine.filter { $0.failure.state == state }.count
                #expect(rule.counts[state, default: 0] == expected, "\(rule.rule) \(state)")
            }
            let open = mine.filter { $0.failure.state == .open }
            #expect(rule.openBytes == open.map { $0.failure.size ?? 0 }.reduce(0, +))
            #expect(rule.oldestOpenAt == open.map(\.failure.lastFailedAt).min())
            #expect(rule.newestFailedAt == mine.map(\.failure.lastFailedAt).max())
            #expect(rule.reasons.map(\.open).reduce(0, +) == Int64(open.count))
        }
    }
}
