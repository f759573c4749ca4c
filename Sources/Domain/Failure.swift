/// A replication rule: an ID is unique inside one source bucket only. Written `BUCKET/RULE-ID`.
package struct RuleName: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    package var sourceBucket: String
    package var ruleID: String

    package init(sourceBucket: String, ruleID: String) {
        self.sourceBucket = sourceBucket
        self.ruleID = ruleID
    }

    /// Parses `BUCKET/RULE-ID`. The first slash parts them: a bucket's name has none. Nil when a part is empty.
    package init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/"), slash > text.startIndex,
            text.index(after: slash) < text.endIndex
        else { return nil }
        sourceBucket = String(text[..<slash])
        ruleID = String(text[text.index(after: slash)...])
    }

    package var description: String { sourceBucket + "/" + ruleID }

    /// Byte for byte, as S3 and the store tell them apart.
    package static func == (left: RuleName, right: RuleName) -> Bool { left.exact == right.exact }

    /// In the order of the store: by bytes.
    package static func < (left: RuleName, right: RuleName) -> Bool { left.exact < right.exact }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(sourceBucket)
        hasher.combine(ruleID)
    }

    private var exact: (ExactText, ExactText) { (ExactText(sourceBucket), ExactText(ruleID)) }
}

/// What makes a failure one: one object version that one rule failed to replicate to one destination.
package struct FailureIdentity: Hashable, Sendable {
    package var rule: RuleName
    package var destinationBucket: String
    package var key: ObjectKey
    package var versionID: String

    package init(rule: RuleName, destinationBucket: String, key: ObjectKey, versionID: String) {
        self.rule = rule
        self.destinationBucket = destinationBucket
        self.key = key
        self.versionID = versionID
    }

    package static func == (left: FailureIdentity, right: FailureIdentity) -> Bool {
        left.key == right.key && left.rule == right.rule
            && ExactText(left.versionID) == ExactText(right.versionID)
            && ExactText(left.destinationBucket) == ExactText(right.destinationBucket)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(rule)
        hasher.combine(destinationBucket)
        hasher.combine(key)
        hasher.combine(versionID)
    }

    package init(_ event: ReplicationEvent) {
        self.init(
            rule: RuleName(sourceBucket: event.sourceBucket, ruleID: event.ruleID),
            destinationBucket: event.destinationBucket, key: event.key, versionID: event.versionID)
    }
}

/// A moment of an event with the tie-breaker of the design: a greater `eventTime` is newer; ties go to the request
/// ID, bytewise. `sequencer` belongs to the object's write and says nothing of this order.
package struct EventOrder: Comparable, Sendable {
    package var time: Timestamp
    package var requestID: String

    package init(time: Timestamp, requestID: String) {
        self.time = time
        self.requestID = requestID
    }

    package static func < (left: EventOrder, right: EventOrder) -> Bool {
        if left.time != right.time { return left.time < right.time }
        return left.requestID.utf8.lexicographicallyPrecedes(right.requestID.utf8)
    }
}

/// The newest completion report row for a failure.
package struct TaskOutcome: Hashable, Codable, Sendable {
    package var jobID: String
    /// `succeeded` or `failed`.
    package var status: String
    package var httpStatus: Int?
    package var code: String?
    package var message: String?
    package var at: Timestamp

    package init(
        jobID: String, status: String, httpStatus: Int?, code: String?, message: String?,
        at: Timestamp
    ) {
        self.jobID = jobID
        self.status = status
        self.httpStatus = httpStatus
        self.code = code
        self.message = message
        self.at = at
    }
}

/// A failure: everything but its identity.
package struct Failure: Hashable, Sendable {
    package var state: FailureState
    /// The newest event's `failureReason`, verbatim.
    package var reason: String
    package var size: Int64?
    package var eTag: String?
    package var operation: String?
    package var sequencer: String?
    /// The least eventTime of its failure events.
    package var firstFailedAt: Timestamp
    /// The greatest eventTime of its failure events.
    package var lastFailedAt: Timestamp
    /// The newest event's request ID: the tie-breaker.
    package var lastRequestID: String
    /// Failure events that were newer than `lastFailedAt`.
    package var failureCount: Int64
    /// The remediation that selected it last.
    package var remediationID: String?
    package var lastTask: TaskOutcome?
    package var closedAt: Timestamp?
    package var evidence: Evidence?
    /// AWS's time of the evidence: an event that is newer reopens the failure.
    package var evidenceAt: Timestamp?
    package var note: String?

    /// A failure as its first event makes it; `state` is set by the life.
    package init(firstEvent event: ReplicationEvent, state: FailureState) {
        self.state = state
        reason = event.reason ?? ""
        size = event.size
        eTag = event.eTag
        operation = event.operation
        sequencer = event.sequencer
        firstFailedAt = event.eventTime
        lastFailedAt = event.eventTime
        lastRequestID = event.requestID
        failureCount = 1
    }

    package init(
        state: FailureState, reason: String, size: Int64?, eTag: String?, operation: String?,
        sequencer: String?, firstFailedAt: Timestamp, lastFailedAt: Timestamp,
        lastRequestID: String,
        failureCount: Int64, remediationID: String?, lastTask: TaskOutcome?, closedAt: Timestamp?,
        evidence: Evidence?, evidenceAt: Timestamp?, note: String?
    ) {
        self.state = state
        self.reason = reason
        self.size = size
        self.eTag = eTag
        self.operation = operation
        self.sequencer = sequencer
        self.firstFailedAt = firstFailedAt
        self.lastFailedAt = lastFailedAt
        self.lastRequestID = lastRequestID
        self.failureCount = failureCount
        self.remediationID = remediationID
        self.lastTask = lastTask
        self.closedAt = closedAt
        self.evidence = evidence
        self.evidenceAt = evidenceAt
        self.note = note
    }

    package var lastEvent: EventOrder { EventOrder(time: lastFailedAt, requestID: lastRequestID) }
}
