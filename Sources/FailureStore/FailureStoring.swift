package import Domain

/// The failure store: where failures live, keyed by replication rule. The SQLite form is `SQLiteFailureStore`.
///
/// Writes are exactly-once against the log: a batch carries the LSN up to which it applies, and what was applied
/// before is skipped. No call keeps a read snapshot open beyond a page.
package protocol FailureStoring: Sendable {
    // The log.
    /// The log ID and the applied LSN, as the log's recovery compares them.
    func mark() async throws(StoreFailure) -> StoreWatermark
    /// Stores the log's ID once, into a store that has none.
    func adoptLogID(_ id: [UInt8]) async throws(StoreFailure)
    /// Applies records and the LSN up to which they reach, in one transaction.
    func apply(_ batch: StoreBatch) async throws(StoreFailure)
        -> ApplySummary

    /// Moves the -wal into the database and cuts it to nothing: on a full disk, once there is room for that.
    func checkpoint() async throws(StoreFailure)

    /// Deletes what retention lets go, with its counts, in one short transaction: closed failures with their
    /// timelines, and quarantine. To be called again until it is complete.
    func sweep(at now: Timestamp) async throws(StoreFailure) -> SweepSummary

    /// Remembers that these queues have shown replication events.
    func recognize(queueURLs: Set<String>) async throws(StoreFailure)
    /// Remembers until when the intake is paused; nil forgets it.
    func pauseIntake(until: Timestamp?) async throws(StoreFailure)

    // Questions.
    func page(_ query: FailureQuery) async throws(StoreFailure)
        -> FailurePage
    /// Every rule with its counts, or the one that is named; from counters, never by a scan.
    func rules(_ only: RuleName?) async throws(StoreFailure)
        -> [RuleOverview]
    func overview() async throws(StoreFailure) -> StoreOverview
    /// From the beginning, or from a page's `nextPosition` on.
    func timeline(
        bucket: String, key: ObjectKey, version: String, after: Int64?, limit: Int
    ) async throws(StoreFailure) -> TimelinePage
    /// At most `limit` entries, and no more bodies than 4 MiB once there is one: a page may be short.
    func quarantined(
        after id: Int64, limit: Int
    ) async throws(StoreFailure) -> QuarantinePage
    /// Lets go of an entry; false when there is none.
    func dropQuarantined(_ id: Int64) async throws(StoreFailure) -> Bool
    func histogram(_ query: HistogramQuery) async throws(StoreFailure) -> Histogram

    // Operators: `DecisionDesk` asks for both.
    /// Counts what a decision would change now, and remembers which.
    func survey(
        _ decision: OperatorDecision, _ selection: FailureSelection
    ) async throws(StoreFailure) -> DecisionSurvey
    /// Changes the next of the failures that were counted, and are still as they were then, in one short transaction.
    func carryOut(
        _ decision: OperatorDecision, _ selection: FailureSelection, counted survey: DecisionSurvey,
        after cursor: String?
    ) async throws(StoreFailure) -> DecisionStep

    // Requests that may come again.
    /// What the same uid and key was answered in the last 24 hours, if it was kept.
    func answer(to request: KeyedRequest) async throws(StoreFailure) -> KeptAnswer?
    func keep(_ reply: KeptAnswer.Reply, to request: KeyedRequest) async throws(StoreFailure)

    // Remediations.
    func save(_ run: RemediationRun) async throws(StoreFailure)
    /// Stores a new run and that it is the answer to `request`, in one transaction.
    func begin(_ run: RemediationRun, for request: KeyedRequest?) async throws(StoreFailure)
    func remediation(_ id: String) async throws(StoreFailure)
        -> StoredRemediation?
    /// Newest first, at most `limit`; those before `sequence` when it is given.
    func remediations(
        before sequence: Int64?, limit: Int
    ) async throws(StoreFailure) -> RemediationPage
    /// Those that are neither finished, failed nor cancelled, oldest first.
    func unfinishedRemediations() async throws(StoreFailure) -> UnfinishedRemediations
    /// Counts and bytes of what a run with this selection would take now.
    func plan(
        _ selection: FailureSelection
    ) async throws(StoreFailure) -> SelectionPlan
    /// Remembers what an operator asks of a remediation; false when there is none, or it is over.
    func ask(
        _ wish: RemediationRun.Wish, of run: String, by: String, at: Timestamp
    ) async throws(StoreFailure) -> Bool
    /// Selects the next rows for a run (`open` to `submitted`), at most `limit`, and stores the run with its new
    /// counts in the same transaction. Returns the run, and whether its next job has all it wants.
    func selectNext(
        for run: RemediationRun, limit: Int
    ) async throws(StoreFailure) -> (run: RemediationRun, isComplete: Bool)
    /// The object versions that a run submits, in a manifest's order, behind `after`: at most `limit`.
    func manifestPage(
        of run: String, after: (key: ObjectKey, versionID: String)?, limit: Int
    ) async throws(StoreFailure) -> ManifestPage
    /// Takes in rows of a completion report: submitted failures of these versions move on. Returns how many rows are of
    /// versions that the run never selected.
    func takeIn(
        _ rows: [ReportedTask], of run: String, rule: RuleName, at: Timestamp
    ) async throws(StoreFailure) -> Int
    /// Applies an occurrence to the rows of a run in one state, at most `limit` after a cursor; returns the next cursor.
    /// With `job`, only to those whose task in that job's report succeeded.
    func settle(
        _ run: String, _ state: FailureState, _ occurrence: FailureOccurrence,
        succeededIn job: String?, after cursor: String?, limit: Int, at: Timestamp
    ) async throws(StoreFailure) -> String?
    /// Verifying failures whose HEAD is due; of those that no remediation waits for when `run` is nil.
    func dueVerifications(
        of run: String?, _ which: VerificationQuestion, at now: Timestamp, limit: Int
    ) async throws(StoreFailure) -> [DueVerification]
    /// When the next HEAD is due; nil when none waits.
    func nextVerification(
        of run: String?, _ which: VerificationQuestion
    ) async throws(StoreFailure) -> Timestamp?
    /// Applies what HEADs found, to every failure that they speak of. Returns how many of those that were asked for
    /// came to which state.
    func record(
        _ results: [VerificationResult], at now: Timestamp
    ) async throws(StoreFailure) -> [FailureState: Int64]
    /// Leaves a run's verifying failures to the background, at most `limit`. Returns how many.
    func release(_ run: String, limit: Int) async throws(StoreFailure) -> Int
}

/// What the store remembers of the log.
package struct StoreWatermark: Equatable, Sendable {
    /// 16 bytes; nil in a store that never met a log.
    package var logID: [UInt8]?
    package var appliedLSN: UInt64
}

/// One record for the store.
package enum StoreRecord: Sendable {
    case event(ReplicationEvent)
    case quarantined(QuarantinedMessage)
    case notificationTest(NotificationTest)
    /// A log record that could not be decoded: goes into quarantine with its LSN.
    case poisoned(payload: [UInt8], problem: String)
}

/// Records of the log, in its order, each with its LSN.
package struct StoreBatch: Sendable {
    package var records: [(lsn: UInt64, record: StoreRecord)]
    /// The moment of applying, for rows that carry an arrival time.
    package var at: Timestamp

    package init(records: [(lsn: UInt64, record: StoreRecord)], at: Timestamp) {
        self.records = records
        self.at = at
    }
}

/// What a batch did.
package struct ApplySummary: Equatable, Sendable {
    package var appliedLSN: UInt64 = 0
    package var newFailures = 0
    package var changedFailures = 0
    /// Events that were not newer than what is stored.
    package var duplicates = 0
    package var quarantined = 0
    /// New failures whose event is older than closed failures are kept: they may have been closed and let go.
    package var tooOld = 0
}

/// A question for a page of failures.
package struct FailureQuery: Sendable {
    package enum Order: String, Sendable {
        case key, newest, oldest
    }

    package var selection: FailureSelection
    package var order: Order
    /// 1 … 1000.
    package var limit: Int
    package var cursor: String?

    package init(
        selection: FailureSelection, order: Order = .key, limit: Int = 100, cursor: String? = nil
    ) {
        self.selection = selection
        self.order = order
        self.limit = limit
        self.cursor = cursor
    }
}

/// A failure with its identity.
package struct StoredFailure: Hashable, Sendable {
    package var identity: FailureIdentity
    package var failure: Failure
}

/// A page may be short and still have a next one: it stops after 50,000 rows looked at.
package struct FailurePage: Sendable {
    package var failures: [StoredFailure]
    package var nextCursor: String?
}

package struct RuleOverview: Sendable, Equatable {
    package struct Reason: Sendable, Equatable {
        package var reason: String
        package var destinationBucket: String
        package var open: Int64
    }

    package var rule: RuleName
    package var region: String
    package var counts: [FailureState: Int64]
    package var openBytes: Int64
    package var oldestOpenAt: Timestamp?
    package var newestFailedAt: Timestamp?
    package var reasons: [Reason]
    package var missedThreshold: Int64
    package var notTracked: Int64
    package var oldestMissedAt: Timestamp?

    package init(
        rule: RuleName, region: String, counts: [FailureState: Int64], openBytes: Int64,
        oldestOpenAt: Timestamp? = nil, newestFailedAt: Timestamp? = nil, reasons: [Reason],
        missedThreshold: Int64, notTracked: Int64, oldestMissedAt: Timestamp? = nil
    ) {
        self.rule = rule
        self.region = region
        self.counts = counts
        self.openBytes = openBytes
        self.oldestOpenAt = oldestOpenAt
        self.newestFailedAt = newestFailedAt
        self.reasons = reasons
        self.missedThreshold = missedThreshold
        self.notTracked = notTracked
        self.oldestMissedAt = oldestMissedAt
    }
}

package struct StoreOverview: Sendable, Equatable {
    package var failures: Int64
    package var openFailures: Int64
    package var quarantined: Int64
    /// Failures whose first event was older than the retention of closed ones.
    package var tooOld: Int64
    package var appliedLSN: UInt64
    /// Of the database and its -wal.
    package var bytes: Int64
    package var schemaVersion: Int
    /// When the newest s3:TestEvent of a queue was sent.
    package var lastTestEvents: [String: Timestamp]
    /// URLs of the queues that have shown a replication event or an s3:TestEvent.
    package var knownQueues: Set<String>
    /// Until when an operator paused the intake; perhaps in the past.
    package var pausedUntil: Timestamp?
}

/// A part of an object version's story.
package struct TimelinePage: Sendable, Equatable {
    package var entries: [TimelineEntry]
    /// Where the next page begins; nil on the last.
    package var nextPosition: Int64?
}

package struct TimelineEntry: Sendable, Equatable {
    package var at: Timestamp
    package var what: String
    package var reason: String?
    package var remediationID: String?
    package var jobID: String?
    package var evidence: Evidence?
    package var by: String?
    /// What the operator said.
    package var note: String?
}

package struct QuarantineEntry: Sendable, Equatable {
    package var id: Int64
    package var message: QuarantinedMessage
}

package struct QuarantinePage: Sendable, Equatable {
    package var entries: [QuarantineEntry]
    /// The next page is the one after it; nil on the last.
    package var nextID: Int64?
}

package struct StoredRemediation: Sendable {
    package var sequence: Int64
    package var run: RemediationRun
    /// What became of its failures.
    package var tally: RemediationTally
}

package struct RemediationPage: Sendable {
    /// Without those whose document cannot be read.
    package var remediations: [StoredRemediation]
    /// The next page is before it; nil on the last.
    package var nextSequence: Int64?
}

package struct UnfinishedRemediations: Sendable {
    package var runs: [RemediationRun] = []
    /// The others go on.
    package var unreadable: [UnreadableRemediation] = []
}

/// A remediation whose stored document does not decode.
package struct UnreadableRemediation: Sendable, Equatable {
    package var id: String
    /// Why.
    package var sentence: String
}

package struct SelectionPlan: Sendable, Equatable {
    package var objects: Int64 = 0
    package var bytes: Int64 = 0
    package var reasons: [RuleOverview.Reason] = []
    /// Other rules of the same bucket with open failures.
    package var otherRules: [RuleName] = []
}

/// Why the store did not do it.
package enum StoreFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The disk is full: free space, and try again.
    case full(String)
    /// An I/O error, busy or out of memory: back off and try again.
    case unavailable(String)
    /// The file is damaged.
    case damaged(String)
    /// The schema is newer than this program, or something is set that would lose data.
    case refused(String)
    /// The cursor is not one of ours.
    case badCursor(String)
    /// A defect of ours: the sentence has SQLite's words.
    case failed(String)

    /// It may go away by itself, or by what an operator does.
    package var isTransient: Bool {
        switch self {
        case .full, .unavailable: true
        case .damaged, .refused, .badCursor, .failed: false
        }
    }

    package var description: String {
        switch self {
        case .full(let text), .unavailable(let text), .damaged(let text), .refused(let text),
            .badCursor(let text), .failed(let text):
            text
        }
    }
}
