package import Domain

/// A failure as the control channel shows it. Times are RFC 3339 in UTC, sizes bytes; what is unknown is absent.
package struct FailureItem: Codable, Hashable, Sendable {
    /// The newest completion report row for this failure.
    package struct Task: Codable, Hashable, Sendable {
        package var jobId: String
        package var status: String
        package var httpStatus: Int?
        package var code: String?
        package var message: String?
        package var at: Timestamp
    }

    package var sourceBucket: String
    package var ruleId: String
    package var destinationBucket: String
    /// For reading; `keyEncoded` is the exact key.
    package var key: String
    /// RFC 3986-encoded with `/` kept.
    package var keyEncoded: String
    package var versionId: String
    package var state: String
    package var reason: String?
    package var reasonClass: String
    package var size: Int64?
    package var eTag: String?
    package var operation: String?
    package var firstFailedAt: Timestamp
    package var lastFailedAt: Timestamp
    package var failureCount: Int64
    package var remediationId: String?
    package var lastTask: Task?
    package var closedAt: Timestamp?
    package var evidence: String?
    package var note: String?
}

/// One page of a list. `nextCursor` is absent on the last; a page may be short and still have a next one.
package struct Page<Item: Codable & Sendable>: Codable, Sendable {
    package var items: [Item]
    package var nextCursor: String?

    package init(items: [Item], nextCursor: String? = nil) {
        self.items = items
        self.nextCursor = nextCursor
    }
}

/// A replication rule with what failed under it.
package struct RuleItem: Codable, Hashable, Sendable {
    package struct Counts: Codable, Hashable, Sendable {
        package var open: Int64 = 0
        package var submitted: Int64 = 0
        package var verifying: Int64 = 0
        package var replicated: Int64 = 0
        package var parked: Int64 = 0
        package var gone: Int64 = 0
        package var dismissed: Int64 = 0

        package init() {}
    }

    package struct Reason: Codable, Hashable, Sendable {
        package var reason: String
        package var reasonClass: String
        package var destinationBucket: String
        package var open: Int64

        package init(reason: String, reasonClass: String, destinationBucket: String, open: Int64) {
            self.reason = reason
            self.reasonClass = reasonClass
            self.destinationBucket = destinationBucket
            self.open = open
        }
    }

    package struct Lag: Codable, Hashable, Sendable {
        package var missedThreshold: Int64
        package var notTracked: Int64
        package var oldestMissedAt: Timestamp?

        package init(missedThreshold: Int64, notTracked: Int64, oldestMissedAt: Timestamp? = nil) {
            self.missedThreshold = missedThreshold
            self.notTracked = notTracked
            self.oldestMissedAt = oldestMissedAt
        }
    }

    package var sourceBucket: String
    package var ruleId: String
    package var region: String
    package var counts: Counts
    package var openBytes: Int64
    package var oldestOpenAt: Timestamp?
    package var newestFailedAt: Timestamp?
    /// Reasons of open failures, most first.
    package var reasons: [Reason]
    package var lag: Lag

    package init(
        sourceBucket: String, ruleId: String, region: String, counts: Counts, openBytes: Int64,
        oldestOpenAt: Timestamp? = nil, newestFailedAt: Timestamp? = nil, reasons: [Reason],
        lag: Lag
    ) {
        self.sourceBucket = sourceBucket
        self.ruleId = ruleId
        self.region = region
        self.counts = counts
        self.openBytes = openBytes
        self.oldestOpenAt = oldestOpenAt
        self.newestFailedAt = newestFailedAt
        self.reasons = reasons
        self.lag = lag
    }
}

/// A quarantined message. The body is percent-encoded, exact.
package struct QuarantinedItem: Codable, Hashable, Sendable {
    package var id: Int64
    package var receivedAt: Timestamp
    package var messageId: String
    package var queue: String
    package var problem: String
    package var offset: Int
    package var bodyEncoded: String

    package init(
        id: Int64, receivedAt: Timestamp, messageId: String, queue: String, problem: String,
        offset: Int, bodyEncoded: String
    ) {
        self.id = id
        self.receivedAt = receivedAt
        self.messageId = messageId
        self.queue = queue
        self.problem = problem
        self.offset = offset
        self.bodyEncoded = bodyEncoded
    }
}

/// One entry of an object's story.
package struct TimelineItem: Codable, Hashable, Sendable {
    package var at: Timestamp
    package var what: String
    package var reason: String?
    package var remediationId: String?
    package var jobId: String?
    package var evidence: String?
    package var by: String?
    package var note: String?

    package init(
        at: Timestamp, what: String, reason: String? = nil, remediationId: String? = nil,
        jobId: String? = nil, evidence: String? = nil, by: String? = nil, note: String? = nil
    ) {
        self.at = at
        self.what = what
        self.reason = reason
        self.remediationId = remediationId
        self.jobId = jobId
        self.evidence = evidence
        self.by = by
        self.note = note
    }
}
