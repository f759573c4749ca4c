package import Domain
internal import GRDB

/// A question for failures by time. A failure counts once, in the bucket of its newest failure event
/// (`lastFailedAt`) and under that event's reason, whatever its state; what retention has let go is not counted.
///
/// Buckets begin at whole multiples of their length since 1970 in UTC; the first is the one that holds `since`, the last
/// the one that holds the moment before `until`.
package struct HistogramQuery: Sendable {
    package enum Dimension: String, CaseIterable, Sendable {
        case rule, reason, destination
    }

    package static let maximumBuckets: Int64 = 1000
    private static let hourSeconds: Int64 = 3600

    package let by: Dimension
    package let bucketSeconds: Int64
    package let from: Timestamp
    package let buckets: Int
    package var rule: RuleName?
    package var bucket: String?
    package var destination: String?
    package var reason: String?
    package var reasonClass: ReasonClass?

    /// Refuses what the hourly counters cannot tell, and more than 1,000 buckets.
    package init(
        by: Dimension, bucketSeconds: Int64, since: Timestamp, until: Timestamp
    ) throws(HistogramRefusal) {
        let longest: Int64 = 366 * 24
        guard bucketSeconds > 0, bucketSeconds.isMultiple(of: Self.hourSeconds),
            bucketSeconds / Self.hourSeconds <= longest
        else {
            throw HistogramRefusal(
                sentence: "bucketSeconds=\(bucketSeconds) must be whole hours, from 3600 to "
                    + "\(longest * Self.hourSeconds): failures are counted by the hour")
        }
        guard since < until else {
            throw HistogramRefusal(sentence: "since=\(since) must be before until=\(until)")
        }
        let length = bucketSeconds / Self.hourSeconds
        let first = floorDivided(hourOf(since), by: length)
        let last = floorDivided(hourOf(until.advanced(byMilliseconds: -1)), by: length)
        guard last - first < Self.maximumBuckets else {
            throw HistogramRefusal(
                sentence: "\(since) to \(until) makes \(last - first + 1) buckets of "
                    + "\(bucketSeconds) seconds, and at most \(Self.maximumBuckets) are served: "
                    + "take greater ones")
        }
        self.by = by
        self.bucketSeconds = bucketSeconds
        from = Timestamp(milliseconds: first * bucketSeconds * 1000)
        buckets = Int(last - first + 1)
    }

    fileprivate var hours: Range<Int64> {
        let first = hourOf(from)
        return first..<first + Int64(buckets) * bucketHours
    }
    fileprivate var bucketHours: Int64 { bucketSeconds / Self.hourSeconds }
}

/// Why there is no such histogram.
package struct HistogramRefusal: Error, Equatable, Sendable {
    package var sentence: String
}

package struct Histogram: Sendable, Equatable {
    package struct Series: Sendable, Equatable {
        package var label: String
        /// One for each bucket.
        package var counts: [Int64]
    }

    package static let maximumSeries = 100

    package var from: Timestamp
    package var bucketSeconds: Int64
    /// Those with most failures first, at most 100.
    package var series: [Series]
    /// How many series are left, and their sum by bucket; nil when none.
    package var others: (series: Int, counts: [Int64])?

    package static func == (left: Histogram, right: Histogram) -> Bool {
        left.from == right.from && left.bucketSeconds == right.bucketSeconds
            && left.series == right.series && left.others?.series == right.others?.series
            && left.others?.counts == right.others?.counts
    }
}

extension StoreReader {
    /// From the hourly counters alone, rule by rule, each from snapshots of a page at most.
    func histogram(_ query: HistogramQuery) async throws(StoreFailure) -> Histogram {
        var sums = HistogramSums(query)
        for (id, rule) in try rules(of: query) {
            var position: HourPosition? = HourPosition(hour: query.hours.lowerBound - 1)
            while let start = position {
                position = try read { db in
                    try add(rule, id, after: start, to: &sums, in: db)
                }
                await Task.yield()
            }
        }
        return sums.histogram
    }

    private func rules(of query: HistogramQuery) throws(StoreFailure) -> [(Int64, RuleName)] {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, bucket, rule_id FROM rule
                    WHERE (?1 IS NULL OR bucket = ?1) AND (?2 IS NULL OR bucket = ?2)
                    AND (?3 IS NULL OR rule_id = ?3)
                    """,
                arguments: [query.bucket, query.rule?.sourceBucket, query.rule?.ruleID])
            return rows.map { ($0[0], RuleName(sourceBucket: $0[1], ruleID: $0[2])) }
        }
    }

    /// Adds the next hours of a rule; returns where to go on, nil at the end.
    private func add(
        _ rule: RuleName, _ id: Int64, after position: HourPosition, to sums: inout HistogramSums,
        in db: Database
    ) throws -> HourPosition? {
        let query = sums.query
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT h.hour, h.destination, h.reason, h.count, d.name, r.code, r.class
                    FROM hourly h CROSS JOIN destination d ON d.id = h.destination
                    CROSS JOIN reason r ON r.id = h.reason
                    WHERE h.rule = ? AND (h.hour, h.destination, h.reason) > (?, ?, ?)
                    AND h.hour < ? ORDER BY h.hour, h.destination, h.reason LIMIT ?
                    """),
            arguments: [
                id, position.hour, position.destination, position.reason, query.hours.upperBound,
                options.pageRows,
            ])
        var last = position
        var looked = 0
        while let row = try rows.next() {
            looked += 1
            last = HourPosition(hour: row[0], destination: row[1], reason: row[2])
            let reasonClass: String = row[6]
            guard query.destination.map({ ExactText($0) == ExactText(row[4]) }) ?? true,
                query.reason.map({ ExactText($0) == ExactText(row[5]) }) ?? true,
                query.reasonClass.map({ $0.rawValue == reasonClass }) ?? true
            else { continue }
            switch query.by {
            case .rule: sums.add(row[3], id, rule.description, hour: last.hour)
            case .destination: sums.add(row[3], last.destination, row[4], hour: last.hour)
            case .reason: sums.add(row[3], last.reason, row[5], hour: last.hour)
            }
        }
        return looked == options.pageRows ? last : nil
    }
}

/// A row of `hourly` within its rule.
private struct HourPosition {
    var hour: Int64
    var destination = Int64.max
    var reason = Int64.max
}

/// Only buckets that are not empty take memory until the series that are shown are known: labels are what messages say.
private struct HistogramSums {
    let query: HistogramQuery
    private var labels: [Int64: String] = [:]
    private var counts: [Int64: [Int: Int64]] = [:]

    init(_ query: HistogramQuery) {
        self.query = query
    }

    mutating func add(
        _ count: Int64, _ id: Int64, _ label: @autoclosure () -> String, hour: Int64
    ) {
        let bucket = Int((hour - query.hours.lowerBound) / query.bucketHours)
        if labels[id] == nil { labels[id] = label() }
        counts[id, default: [:]][bucket, default: 0] += count
    }

    var histogram: Histogram {
        let sorted = counts.map { id, counts in
            (label: labels[id] ?? "", total: counts.values.reduce(0, +), counts: counts)
        }.sorted { left, right in
            left.total != right.total
                ? left.total > right.total : ExactText(left.label) < ExactText(right.label)
        }
        let rest = sorted.dropFirst(Histogram.maximumSeries)
        return Histogram(
            from: query.from, bucketSeconds: query.bucketSeconds,
            series: sorted.prefix(Histogram.maximumSeries).map { series in
                Histogram.Series(label: series.label, counts: dense([series.counts]))
            },
            others: rest.isEmpty ? nil : (rest.count, dense(rest.map(\.counts))))
    }

    private func dense(_ sparse: [[Int: Int64]]) -> [Int64] {
        var sums = [Int64](repeating: 0, count: query.buckets)
        for counts in sparse {
            for (bucket, count) in counts { sums[bucket] += count }
        }
        return sums
    }
}

private func floorDivided(_ value: Int64, by divisor: Int64) -> Int64 {
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
    return rest < 0 ? quotient - 1 : quotient
}
