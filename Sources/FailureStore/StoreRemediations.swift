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

    package func ask(
        _ wish: RemediationRun.Wish, of run: String, by: String, at: Timestamp
    ) throws(StoreFailure) -> Bool {
        try write { db in
            let isRunning = try Bool.fetchOne(
                db,
                sql: """
                    SELECT state NOT IN ('finished', 'failed', 'cancelled') FROM remediation WHERE id = ?
                    """, arguments: [run])
            guard isRunning == true else { return false }
            try db.execute(
                sql: "INSERT OR IGNORE INTO wish VALUES (?, ?, ?, ?)",
                arguments: [run, wish.text, by, at.milliseconds])
            return true
        }
    }

    package func selectNext(
        for run: RemediationRun, limit: Int
    ) throws(StoreFailure) -> (run: RemediationRun, isComplete: Bool) {
        try write { db in
            guard let wanted = run.nextSelection(limit: limit) else { return (run, true) }
            let stored = try String.fetchOne(
                db, sql: "SELECT cast(cursor AS TEXT) FROM remediation WHERE id = ?",
                arguments: [run.id])
            let page = try StoreReader.page(
                FailureQuery(selection: wanted.selection, limit: wanted.limit, cursor: stored),
                options, in: db)
            var changed = run
            var rows = FailureRows()
            for found in page.failures where changed.takes(found.identity, found.failure) {
                guard
                    try change(
                        found.identity, .selected(remediationID: run.id), by: run.createdBy,
                        at: run.createdAt, rows: &rows, in: db) != nil
                else { continue }
                changed.count(found.failure)
            }
            try rows.writeCounters(in: db)
            let isShareOver = changed.canaryShareIsOver(pageIsLast: page.nextCursor == nil)
            let cursor = isShareOver ? nil : page.nextCursor
            try Self.save(changed, in: db)
            try db.execute(
                sql: "UPDATE remediation SET cursor = ? WHERE id = ?",
                arguments: [cursor.map { Data($0.utf8) }, run.id])
            return (changed, cursor == nil && changed.nextSelection(limit: limit)?.isMore != true)
        }
    }

    package func takeIn(
        _ rows: [ReportedTask], of run: String, rule: RuleName, at: Timestamp
    ) throws(StoreFailure) -> Int {
        try write { db in
            guard let number = try NameTable.findRule(rule, in: db) else { return rows.count }
            let destinations = try Int64.fetchAll(
                db.cachedStatement(sql: "SELECT DISTINCT destination FROM counter WHERE rule = ?"),
                arguments: [number])
            var outside = 0
            var writer = FailureRows()
            for row in rows {
                var isOurs = false
                for destination in destinations {
                    let key = RowKey(
                        rule: number, destination: destination, key: row.version.key.bytes,
                        version: row.version.versionID)
                    guard let found = try FailureRows.find(key, in: db),
                        found.failure.remediationID == run
                            || found.failure.lastTask?.jobID == row.task.jobID
                    else { continue }
                    isOurs = true
                    guard found.failure.remediationID == run, found.failure.state == .submitted
                    else { continue }
                    try change(
                        key, found, row.occurrence, job: row.task.jobID, at: at, rows: &writer,
                        in: db)
                }
                if !isOurs { outside += 1 }
            }
            try writer.writeCounters(in: db)
            return outside
        }
    }

    package func settle(
        _ run: String, _ state: FailureState, _ occurrence: FailureOccurrence,
        succeededIn job: String?, after cursor: String?, limit: Int, at: Timestamp
    ) throws(StoreFailure) -> String? {
        try write { db in
            let held = try Self.held(by: run, state, after: cursor, limit: limit, in: db)
            var rows = FailureRows()
            for found in held.failures {
                let task = found.failure.lastTask
                guard job == nil || (task?.jobID == job && task?.status == "succeeded") else {
                    continue
                }
                try change(found.identity, occurrence, at: at, rows: &rows, in: db)
            }
            try rows.writeCounters(in: db)
            return held.nextCursor
        }
    }

    /// Rows of a run in one state, in key order.
    private static func held(
        by run: String, _ state: FailureState, after cursor: String?, limit: Int, in db: Database
    ) throws -> FailurePage {
        var sql = """
            SELECT \(FailureRows.columns), r.code, u.bucket, u.rule_id, d.name
            FROM \(SelectionSQL.tables) WHERE f.remediation = ? AND f.state = ?
            """
        var arguments: StatementArguments = [run, state.rawValue]
        if let row = try cursor.map({ try PageCursor($0, order: .key).row }) {
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

    /// Applies an occurrence to one failure and writes its timeline. Returns the state that it led to; nil when it
    /// changed nothing.
    ///
    /// - Parameter reopens: false for an answer that was not asked for this failure: one older than it says nothing.
    @discardableResult
    func change(
        _ identity: FailureIdentity, _ occurrence: FailureOccurrence, by: String? = nil,
        at: Timestamp, note: String? = nil, reopens: Bool = true, rows: inout FailureRows,
        in db: Database
    ) throws -> FailureState? {
        guard let rule = try NameTable.findRule(identity.rule, in: db) else { return nil }
        let key = RowKey(
            rule: rule, destination: try names.destination(identity.destinationBucket, in: db),
            key: identity.key.bytes, version: identity.versionID)
        guard let before = try FailureRows.find(key, in: db) else { return nil }
        return try change(
            key, before, occurrence, by: by, at: at, note: note, reopens: reopens, rows: &rows,
            in: db)
    }

    @discardableResult
    private func change(
        _ key: RowKey, _ before: FailureRow, _ occurrence: FailureOccurrence, job: String? = nil,
        by: String? = nil, at: Timestamp, note: String? = nil, reopens: Bool = true,
        rows: inout FailureRows, in db: Database
    ) throws -> FailureState? {
        var after = before.failure
        guard after.apply(occurrence) == .changed, reopens || after.state != .open else {
            return nil
        }
        let isSameReason = ExactText(after.reason) == ExactText(before.failure.reason)
        try rows.write(
            key, after,
            reason: isSameReason ? before.reason : try names.reason(after.reason, in: db),
            before: before, fate: occurrence.fate, in: db)
        try db.cachedStatement(
            sql: """
                INSERT INTO timeline
                  (rule, destination, key, version, at, what, reason, remediation, job, evidence, by,
                   note)
                VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
                """
        ).execute(arguments: [
            key.rule, key.destination, Data(key.key), key.version, at.milliseconds,
            occurrence.name, after.reason, after.remediationID ?? before.failure.remediationID, job,
            after.evidence?.rawValue, by, note,
        ])
        return after.state
    }
}

extension FailureOccurrence {
    /// How a failure leaves its remediation, where the state does not tell.
    fileprivate var fate: RemediationTally.Fate? {
        if case .leftOut = self { return .returned }
        return nil
    }

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
