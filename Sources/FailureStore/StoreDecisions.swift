package import Domain
internal import GRDB

/// What an operator says to failures.
package struct OperatorDecision: Sendable {
    package enum Kind: String, Sendable {
        case dismiss, reopen
    }

    package var kind: Kind
    package var note: String?
    /// Such as `uid 1000`.
    package var by: String
    /// When it was said: a failure event that is newer opens a dismissed failure again.
    package var at: Timestamp

    package init(_ kind: Kind, note: String?, by: String, at: Timestamp) {
        self.kind = kind
        self.note = note
        self.by = by
        self.at = at
    }

    var occurrence: FailureOccurrence {
        switch kind {
        case .dismiss: .dismissed(at: at, note: note)
        case .reopen: .reopened(note: note)
        }
    }

    /// Whether the life of a failure has room for it.
    func changes(_ failure: Failure) -> Bool {
        var changed = failure
        return changed.apply(occurrence) == .changed
    }
}

/// What a decision would change: counted before anything is.
package struct DecisionSurvey: Sendable {
    /// 16 MiB of fingerprints.
    package static let maximumFailures = 1_000_000

    package internal(set) var failures: Int64 = 0
    package internal(set) var bytes: Int64 = 0
    /// Failures that match, but are in a state that the decision leaves as it is.
    package internal(set) var leftOut: [FailureState: Int64] = [:]
    /// There are more than `maximumFailures`: the counts are of the first ones.
    package internal(set) var isTooLong = false
    /// Of each failure as it was counted, so that only those are changed that still are so.
    var seen: Set<Int> = []

    mutating func add(_ stored: StoredFailure, _ decision: OperatorDecision) {
        guard decision.changes(stored.failure) else {
            leftOut[stored.failure.state, default: 0] += 1
            return
        }
        failures += 1
        bytes = saturatingSum(bytes, stored.failure.size ?? 0)
        seen.insert(stored.fingerprint)
    }
}

/// How far a decision has come.
package struct DecisionStep: Sendable {
    package var changed: Int
    /// Nil when it is done.
    package var nextCursor: String?
}

extension StoredFailure {
    /// 64 bits of what a decision was made on: which failure, its state, its newest event. Seeded per process.
    fileprivate var fingerprint: Int {
        var hasher = Hasher()
        hasher.combine(identity)
        hasher.combine(failure.state)
        hasher.combine(failure.lastFailedAt)
        hasher.combine(failure.lastRequestID)
        return hasher.finalize()
    }
}

extension StoreReader {
    /// By pages, each a snapshot of its own.
    func survey(
        _ decision: OperatorDecision, _ selection: FailureSelection
    ) async throws(StoreFailure) -> DecisionSurvey {
        var survey = DecisionSurvey()
        var query = FailureQuery(selection: selection)
        repeat {
            query.cursor = try read { db in
                try Self.walk(query, options, in: db) { row in
                    survey.isTooLong = survey.failures == DecisionSurvey.maximumFailures
                    if !survey.isTooLong { survey.add(try Self.storedFailure(row), decision) }
                    return survey.isTooLong
                }
            }
            await Task.yield()
        } while query.cursor != nil && !survey.isTooLong
        return survey
    }
}

extension SQLiteFailureStore {
    /// Failures that one transaction changes at most: the flusher waits for it.
    private static let failuresPerDecisionStep = 1000

    package func carryOut(
        _ decision: OperatorDecision, _ selection: FailureSelection, counted survey: DecisionSurvey,
        after cursor: String?
    ) throws(StoreFailure) -> DecisionStep {
        try write { db in
            let page = try StoreReader.page(
                FailureQuery(
                    selection: selection, limit: Self.failuresPerDecisionStep, cursor: cursor),
                options, in: db)
            var step = DecisionStep(changed: 0, nextCursor: page.nextCursor)
            var rows = FailureRows()
            for found in page.failures where survey.seen.contains(found.fingerprint) {
                let result = try change(
                    found.identity, decision.occurrence, by: decision.by, at: decision.at,
                    note: decision.note, rows: &rows, in: db)
                if result != nil { step.changed += 1 }
            }
            try rows.writeCounters(in: db)
            return step
        }
    }
}
