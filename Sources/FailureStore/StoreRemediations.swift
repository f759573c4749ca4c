package import Domain
internal import Foundation
internal import GRDB

extension SQLiteFailureStore {
    package func save(_ run: RemediationRun) throws(StoreFailure) {
        try write { try Self.save(run, in: $0) }
    }

    static func save(_ run: RemediationRun, in db: Database) throws {
        let document = String(decoding: try JSONEncoder().encode(run), as: UTF8.self)
        try db.execute(
            sql: """
                INSERT INTO remediation (id, state, document) VALUES (?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET state = excluded.state, document = excluded.document
                """, arguments: [run.id, run.state.rawValue, document])
    }

    package func selectNext(
        for run: RemediationRun, limit: Int
    ) throws(StoreFailure) -> (run: RemediationRun, isComplete: Bool) {
        try write { db in
            let stored = try String.fetchOne(
                db, sql: "SELECT cast(cursor AS TEXT) FROM remediation WHERE id = ?",
                arguments: [run.id])
            var selection = run.selection
            selection.rule = run.rule
            selection.state = .open
            let page = try StoreReader.page(
                FailureQuery(selection: selection, limit: limit, cursor: stored), options,
                in: db)
            var changed = run
            var rows = FailureRows()
            for found in page.failures {
                try change(
                    found.identity, .selected(remediationID: run.id), what: "selected",
                    by: run.createdBy, at: run.createdAt, rows: &rows, in: db)
                changed.objects += 1
                changed.bytes = saturatingSum(changed.bytes, found.failure.size ?? 0)
            }
            try rows.writeCounters(in: db)
            try Self.save(changed, in: db)
            try db.execute(
                sql: "UPDATE remediation SET cursor = ? WHERE id = ?",
                arguments: [page.nextCursor.map { Data($0.utf8) }, run.id])
            return (changed, page.nextCursor == nil)
        }
    }

    package func settle(
        _ run: String, _ occurrence: FailureOccurrence, limit: Int, at: Timestamp
    ) throws(StoreFailure) -> Int {
        try write { db in
            let held = try Self.held(
                by: run, states: [.submitted], after: nil, limit: limit, in: db)
            var rows = FailureRows()
            for found in held.failures {
                try change(
                    found.identity, occurrence, what: occurrence.name, by: nil, at: at,
                    rows: &rows, in: db)
            }
            try rows.writeCounters(in: db)
            return held.failures.count
        }
    }

    package func apply(
        _ findings: [(identity: FailureIdentity, finding: HeadFinding)], run: RemediationRun?,
        at: Timestamp
    ) throws(StoreFailure) -> RemediationRun? {
        try write { db in
            var changed = run
            var rows = FailureRows()
            for (identity, finding) in findings {
                for sibling in try Self.identities(for: finding, of: identity, in: db) {
                    let result = try change(
                        sibling, .head(finding), what: FailureOccurrence.head(finding).name,
                        by: nil, at: at, reopens: sibling == identity, rows: &rows, in: db)
                    guard let result, result.remediation == run?.id else { continue }
                    changed?.outcome.count(result.state)
                }
            }
            try rows.writeCounters(in: db)
            if let changed { try Self.save(changed, in: db) }
            return changed
        }
    }

    /// The failures that a finding speaks of: S3's status is one for all destinations of a version, so COMPLETED and
    /// absence are news to every rule's failure of that version.
    private static func identities(
        for finding: HeadFinding, of identity: FailureIdentity, in db: Database
    ) throws -> [FailureIdentity] {
        switch finding {
        case .noStatus, .archived, .failedOurs: return [identity]
        case .completed, .absent: break
        }
        let pairs = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT DISTINCT u.rule_id, d.name FROM counter c JOIN rule u ON u.id = c.rule
                    JOIN destination d ON d.id = c.destination WHERE u.bucket = ?
                    """), arguments: [identity.rule.sourceBucket])
        return pairs.map { pair in
            FailureIdentity(
                rule: RuleName(sourceBucket: identity.rule.sourceBucket, ruleID: pair[0]),
                destinationBucket: pair[1], key: identity.key, versionID: identity.versionID)
        }
    }

    /// Rows of a run in key order, for the manifest and for verification.
    static func held(
        by run: String, states: Set<FailureState>, after cursor: String?, limit: Int,
        in db: Database
    ) throws -> FailurePage {
        let position = try cursor.map { try PageCursor($0, order: .key) }
        var sql = """
            SELECT \(FailureRows.columns), r.code, u.bucket, u.rule_id, d.name
            FROM \(SelectionSQL.tables) WHERE f.remediation = ?
            AND f.state IN (\(states.map { String($0.rawValue) }.sorted().joined(separator: ",")))
            """
        var arguments: StatementArguments = [run]
        if let row = position?.row {
            sql += " AND (f.rule, f.destination, f.key, f.version) > (?, ?, ?, ?)"
            arguments += [row.rule, row.destination, Data(row.key), row.version]
        }
        sql += " ORDER BY f.rule, f.destination, f.key, f.version LIMIT \(limit)"
        let rows = try Row.fetchAll(db, sql: sql, arguments: arguments)
        var page = FailurePage(failures: try rows.map(StoreReader.storedFailure))
        if rows.count == limit, let last = rows.last {
            page.nextCursor =
                PageCursor(order: .key, row: FailureRows.key(of: last), time: last[11]).text
        }
        return page
    }

    /// Applies an occurrence to one failure and writes its timeline. Returns the state that it led to and the
    /// remediation that held it before; nil when it changed nothing.
    ///
    /// - Parameter reopens: false for an answer that was not asked for this failure: one older than it says nothing.
    @discardableResult
    func change(
        _ identity: FailureIdentity, _ occurrence: FailureOccurrence, what: String, by: String?,
        at: Timestamp, note: String? = nil, reopens: Bool = true, rows: inout FailureRows,
        in db: Database
    ) throws -> (state: FailureState, remediation: String?)? {
        guard let rule = try NameTable.findRule(identity.rule, in: db) else { return nil }
        let key = RowKey(
            rule: rule, destination: try names.destination(identity.destinationBucket, in: db),
            key: identity.key.bytes, version: identity.versionID)
        guard let before = try FailureRows.find(key, in: db) else { return nil }
        var after = before.failure
        guard after.apply(occurrence) == .changed, reopens || after.state != .open else {
            return nil
        }
        try rows.write(key, after, reason: before.reason, before: before, in: db)
        try db.cachedStatement(
            sql: """
                INSERT INTO timeline
                  (rule, destination, key, version, at, what, reason, remediation, evidence, by,
                   note)
                VALUES (?,?,?,?,?,?,?,?,?,?,?)
                """
        ).execute(arguments: [
            key.rule, key.destination, Data(key.key), key.version, at.milliseconds, what,
            after.reason, after.remediationID ?? before.failure.remediationID,
            after.evidence?.rawValue, by, note,
        ])
        return (after.state, before.failure.remediationID)
    }
}

extension RemediationRun.Outcome {
    fileprivate mutating func count(_ state: FailureState) {
        switch state {
        case .replicated: replicated += 1
        case .gone: gone += 1
        case .parked: parked += 1
        case .open: failedAgain += 1
        case .submitted, .verifying, .dismissed: break
        }
    }
}

extension FailureOccurrence {
    /// The word of the timeline.
    var name: String {
        switch self {
        case .failed: "failed"
        case .replicatedAfterThreshold: "replicatedAfterThreshold"
        case .selected: "selected"
        case .rowSucceeded: "rowSucceeded"
        case .rowFailed: "rowFailed"
        case .leftOut: "leftOut"
        case .reportMissing: "jobEnded"
        case .head(let finding):
            switch finding {
            case .noStatus: "headNoStatus"
            case .archived: "headArchived"
            case .completed: "headCompleted"
            case .failedOurs: "headFailed"
            case .absent: "provedAbsent"
            }
        case .closedOnRow: "closedOnRow"
        case .dismissed: "dismissed"
        case .reopened: "reopened"
        }
    }
}
