package import Domain

/// The body of `POST /v1/failures/dismiss` and `/reopen`.
package struct DecisionRequest: Codable, Sendable {
    /// Any other member is refused: a misspelt `dryRun` would change what it was to count.
    package static let members = ["filter", "dryRun", "expectedCount", "note"]

    /// Names a rule or a bucket at least.
    package var filter: FailureFilter
    /// Count only.
    package var dryRun: Bool?
    /// From the dry run: with any other count nothing is changed (`countChanged`).
    package var expectedCount: Int64?
    /// Goes to each failure and into its timeline; at most 1,024 bytes.
    package var note: String?

    package init(filter: FailureFilter) {
        self.filter = filter
    }
}

/// What a decision did, or would do.
package struct DecisionReply: Codable, Sendable {
    /// Failures that match and that can be dismissed, or reopened.
    package var count: Int64
    package var bytes: Int64
    /// Failures that match but stay as they are, by state: the life of a failure has no room for it.
    package var leftOut: [String: Int64]
    /// 0 on a dry run; less than `count` where something else happened to a failure in between.
    package var changed: Int64

    package init(count: Int64, bytes: Int64, leftOut: [String: Int64], changed: Int64) {
        self.count = count
        self.bytes = bytes
        self.leftOut = leftOut
        self.changed = changed
    }
}

/// The answer of `GET /v1/failures/histogram`. A failure counts once: in the bucket of its newest failure event
/// (`lastFailedAt`), under that event's reason, whatever its state.
package struct HistogramReply: Codable, Sendable {
    package struct Series: Codable, Sendable {
        /// `BUCKET/RULE-ID`, a reason, or a destination bucket.
        package var label: String
        /// One for each bucket.
        package var counts: [Int64]

        package init(label: String, counts: [Int64]) {
            self.label = label
            self.counts = counts
        }
    }

    /// The series behind the first 100, in one.
    package struct Others: Codable, Sendable {
        package var series: Int
        package var counts: [Int64]

        package init(series: Int, counts: [Int64]) {
            self.series = series
            self.counts = counts
        }
    }

    /// Where the first bucket begins.
    package var from: Timestamp
    package var bucketSeconds: Int64
    /// Those with most failures first.
    package var series: [Series]
    package var others: Others?

    package init(
        from: Timestamp, bucketSeconds: Int64, series: [Series], others: Others? = nil
    ) {
        self.from = from
        self.bucketSeconds = bucketSeconds
        self.series = series
        self.others = others
    }
}

/// What became of a quarantined message.
package struct QuarantineReply: Codable, Sendable {
    package var id: Int64
    /// `replayed` or `dropped`.
    package var outcome: String
    /// Records that went to the log on a replay.
    package var records: Int?

    package init(id: Int64, outcome: String, records: Int? = nil) {
        self.id = id
        self.outcome = outcome
        self.records = records
    }
}
