import Domain
import FailureStore
import TestSupport
import Testing

/// A batch is applied in the order of the table, which must show in nothing but time.
struct BatchOrderTests {
    @Test func `one batch ends where the same records one by one end`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let records = (0..<600).map { number -> StoreRecord in
            let name = ReplicationEvent.Name.allCases.randomElement(using: &random)!
            let isFailure = Int.random(in: 0..<4, using: &random) > 0
            return .event(
                failureEvent(
                    rule: ["r2", "r1"].randomElement(using: &random)!,
                    destination: ["z", "a"].randomElement(using: &random)!,
                    // Prefixes of each other, and a version that differs by its bytes alone.
                    key: ["b", "a", "ab", "a/"].randomElement(using: &random)!,
                    version: ["v", "\u{e9}", "e\u{301}"].randomElement(using: &random)!,
                    at: Int64(1000 + Int.random(in: 0..<50, using: &random)),
                    request: "R\(number % 7)",
                    reason: ["DstBucketNotFound", "DstObjectHardDeleted"]
                        .randomElement(using: &random)!,
                    name: isFailure ? .operationFailed : name))
        }
        let (whole, single) = (StoreFiles(), StoreFiles())
        let (atOnce, oneByOne) = (try whole.open(), try single.open())
        let summary = try await atOnce.apply(storeBatch(records, from: 1))
        var sum = (new: 0, changed: 0, duplicates: 0)
        for (index, record) in records.enumerated() {
            let one = try await oneByOne.apply(storeBatch([record], from: UInt64(index + 1)))
            sum.new += one.newFailures
            sum.changed += one.changedFailures
            sum.duplicates += one.duplicates
        }
        #expect(summary.newFailures == sum.new)
        #expect(summary.changedFailures == sum.changed)
        #expect(summary.duplicates == sum.duplicates)
        #expect(try await atOnce.everything() == oneByOne.everything())
        #expect(try await atOnce.rules(nil) == oneByOne.rules(nil))
        #expect(try whole.differencesFromRecount() == "")
        print("records \(records.count), failures \(summary.newFailures)")
    }
}
