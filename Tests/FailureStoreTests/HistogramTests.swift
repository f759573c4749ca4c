import Domain
import SystemIO
import TestSupport
import Testing

@testable import FailureStore

/// Failures by time: from the hourly counters, equal to a recount, in bounds.
struct HistogramTests {
    static let hour: Int64 = 3_600_000
    let files = StoreFiles()

    func moment(_ hours: Int64, _ milliseconds: Int64 = 0) -> Timestamp {
        Timestamp(milliseconds: hours * Self.hour + milliseconds)
    }

    func query(
        _ by: HistogramQuery.Dimension = .reason, hours: Int64 = 1, _ since: Timestamp,
        _ until: Timestamp
    ) throws -> HistogramQuery {
        try HistogramQuery(by: by, bucketSeconds: hours * 3600, since: since, until: until)
    }

    @Test func `a failure counts once, in the hour and under the reason of its newest event`()
        async throws
    {
        let store = try files.open()
        let events = [
            failureEvent(key: "a", at: moment(10).milliseconds, reason: "Old"),
            failureEvent(key: "a", at: moment(12, 5).milliseconds, reason: "New"),
            failureEvent(key: "b", at: moment(12, -1).milliseconds, reason: "New"),
            failureEvent(destination: "d2", key: "b", at: moment(12).milliseconds, reason: "New"),
            failureEvent(rule: "r2", key: "c", at: moment(11).milliseconds, reason: nil),
        ]
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        // Closed failures count too.
        _ = try await store.heads(
            [(FailureIdentity(events[2]), .absent(at: moment(20)))], at: moment(20))
        let told = try await store.histogram(query(.reason, moment(10), moment(13)))
        #expect(
            told
                == Histogram(
                    from: moment(10), bucketSeconds: 3600,
                    series: [
                        .init(label: "New", counts: [0, 1, 2]),
                        .init(label: "", counts: [0, 1, 0]),
                    ]))
        let rules = try await store.histogram(query(.rule, hours: 2, moment(11, 7), moment(12, 1)))
        // The bucket that holds `since` and the one that holds the moment before `until`, in full.
        #expect(rules.from == moment(10))
        #expect(
            rules.series == [
                .init(label: "orders/r1", counts: [1, 2]),
                .init(label: "orders/r2", counts: [1, 0]),
            ])
        var narrow = try query(.destination, moment(10), moment(13))
        narrow.rule = RuleName("orders/r1")
        narrow.reason = "New"
        #expect(
            try await store.histogram(narrow).series == [
                .init(label: "backup", counts: [0, 1, 1]), .init(label: "d2", counts: [0, 0, 1]),
            ])
        narrow.destination = "d2"
        #expect(try await store.histogram(narrow).series.map(\.label) == ["d2"])
        narrow.reasonClass = .kms
        #expect(try await store.histogram(narrow).series.isEmpty)
        narrow.reasonClass = nil
        narrow.bucket = "other"
        #expect(try await store.histogram(narrow).series.isEmpty)
    }

    @Test(arguments: [1, 3, 7, 50_000])
    func `every histogram of a random history equals a recount, over short pages too`(
        pageRows: Int
    ) async throws {
        var options = StoreOptions()
        options.pageRows = pageRows
        let store = try files.open(options)
        let seed: UInt64 = 9
        var history = RandomHistoryTests.History(seed: seed)
        for _ in 0..<40 { _ = try await store.apply(history.batch()) }
        options.pageRows = 50_000
        let everything = try await store.everything()
        var asked = 0
        for by in HistogramQuery.Dimension.allCases {
            for _ in 0..<12 {
                let since = Int64(history.below(120)) - 10
                let length = Int64(1 + history.below(9))
                var query = try query(
                    by, hours: length, moment(since), moment(since + 1 + Int64(history.below(90))))
                if history.below(2) == 0 { query.rule = RuleName("orders/r\(history.below(4))") }
                if history.below(3) == 0 { query.destination = "d\(history.below(3))" }
                let told = try await store.histogram(query)
                #expect(told == recount(everything, query))
                asked += told.series.isEmpty ? 0 : 1
            }
        }
        #expect(asked > 18)
        print("seed \(seed), histograms with counts \(asked), failures \(everything.count)")
    }

    func recount(_ failures: [StoredFailure], _ query: HistogramQuery) -> Histogram {
        var counts: [String: [Int64]] = [:]
        for found in failures {
            let offset = found.failure.lastFailedAt.milliseconds - query.from.milliseconds
            let bucket = Int(offset / (query.bucketSeconds * 1000))
            guard offset >= 0, bucket < query.buckets,
                query.rule ?? found.identity.rule == found.identity.rule,
                query.destination ?? found.identity.destinationBucket
                    == found.identity.destinationBucket
            else { continue }
            let label =
                switch query.by {
                case .rule: found.identity.rule.description
                case .reason: found.failure.reason
                case .destination: found.identity.destinationBucket
                }
            counts[label, default: Array(repeating: 0, count: query.buckets)][bucket] += 1
        }
        let sorted = counts.sorted { left, right in
            let totals = (left.value.reduce(0, +), right.value.reduce(0, +))
            return totals.0 == totals.1 ? left.key < right.key : totals.0 > totals.1
        }
        return Histogram(
            from: query.from, bucketSeconds: query.bucketSeconds,
            series: sorted.map { .init(label: $0.key, counts: $0.value) })
    }

    @Test func `series beyond 100 are summed in one, so that hostile reasons fill no answer`()
        async throws
    {
        let store = try files.open()
        let events = (0..<103).flatMap { number in
            (0..<(number < 100 ? 2 : 1)).map {
                failureEvent(
                    key: "\(number)-\($0)", at: moment(5).milliseconds, reason: "R\(number)")
            }
        }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        let told = try await store.histogram(query(.reason, moment(4), moment(6)))
        #expect(told.series.count == 100)
        #expect(told.series.allSatisfy { $0.counts == [0, 2] })
        #expect(told.others?.series == 3)
        #expect(told.others?.counts == [0, 3])
    }

    @Test func `what hourly counters cannot tell, and too many buckets, are refused`() throws {
        let cases: [(seconds: Int64, since: Int64, until: Int64, word: String)] = [
            (60, 0, 1, "whole hours"), (0, 0, 1, "whole hours"), (-3600, 0, 1, "whole hours"),
            (5400, 0, 1, "whole hours"), (.max, 0, 1, "whole hours"),
            (367 * 86_400, 0, 1, "whole hours"), (3600, 5, 5, "before"), (3600, 6, 5, "before"),
            (3600, 0, 1001, "1001 buckets"),
        ]
        for one in cases {
            #expect(throws: HistogramRefusal.self, "\(one)") {
                do throws(HistogramRefusal) {
                    _ = try HistogramQuery(
                        by: .rule, bucketSeconds: one.seconds, since: moment(one.since),
                        until: moment(one.until))
                } catch {
                    #expect(error.sentence.contains(one.word))
                    throw error
                }
            }
        }
        #expect(try query(.reason, moment(0), moment(1000)).buckets == 1000)
        let beforeAll = Timestamp(milliseconds: -62_167_219_200_000)
        let years = try query(
            .reason, hours: 366 * 24, beforeAll,
            beforeAll.advanced(byMilliseconds: 999 * 366 * 86_400_000))
        #expect(years.buckets == 1000 && years.from <= beforeAll)
        print("cases \(cases.count) refused")
    }

    @Test func `hours before 1970 are counted where they are`() async throws {
        let store = try files.open()
        let event = failureEvent(at: -1)
        _ = try await store.apply(storeBatch([.event(event)], from: 1))
        let told = try await store.histogram(query(.reason, moment(-2), moment(1)))
        #expect(told.series.map(\.counts) == [[0, 1, 0]])
    }
}
