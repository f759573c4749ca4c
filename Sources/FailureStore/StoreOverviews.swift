internal import Domain
internal import Foundation
internal import GRDB

extension StoreReader {
    /// From counters and one look into an index per rule: never a scan.
    func rules(_ only: RuleName?) throws(StoreFailure) -> [RuleOverview] {
        try read { db in
            let condition = only == nil ? "1" : "u.bucket = ? AND u.rule_id = ?"
            let arguments: StatementArguments =
                only.map { [$0.sourceBucket, $0.ruleID] } ?? StatementArguments()
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT u.id, u.bucket, u.rule_id, u.region, u.newest_failed_at, u.missed,
                      u.not_tracked, u.oldest_missed_at,
                      (SELECT min(f.last_failed_at) FROM failure f
                       WHERE f.rule = u.id AND f.state = 0)
                    FROM rule u WHERE \(condition) ORDER BY u.bucket, u.rule_id
                    """, arguments: arguments)
            return try rows.map { try overview(of: $0, in: db) }
        }
    }

    private func overview(of row: Row, in db: Database) throws -> RuleOverview {
        var overview = RuleOverview(
            rule: RuleName(sourceBucket: row[1], ruleID: row[2]), region: row[3], counts: [:],
            openBytes: 0, oldestOpenAt: time(row[8]), newestFailedAt: time(row[4]), reasons: [],
            missedThreshold: row[5], notTracked: row[6], oldestMissedAt: time(row[7]))
        let counters = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT c.state, r.code, d.name, c.count, c.bytes FROM counter c
                    JOIN reason r ON r.id = c.reason JOIN destination d ON d.id = c.destination
                    WHERE c.rule = ? AND c.count > 0 ORDER BY c.count DESC, r.code, d.name
                    """), arguments: [row[0] as Int64])
        for counter in counters {
            guard let state = FailureState(rawValue: counter[0]) else { continue }
            overview.counts[state, default: 0] += counter[3] as Int64
            guard state == .open else { continue }
            overview.openBytes = saturatingSum(overview.openBytes, counter[4])
            overview.reasons.append(
                RuleOverview.Reason(
                    reason: counter[1], destinationBucket: counter[2], open: counter[3]))
        }
        return overview
    }

    func overview() throws(StoreFailure) -> StoreOverview {
        try read { db in
            let counts = try Row.fetchOne(
                db,
                sql: """
                    SELECT coalesce(sum(count), 0), coalesce(sum(count) FILTER (WHERE state = 0), 0)
                    FROM counter
                    """)
            let queues = try Row.fetchAll(db, sql: "SELECT url, last_test_at FROM queue")
            return StoreOverview(
                failures: counts?[0] ?? 0, openFailures: counts?[1] ?? 0,
                quarantined: try Int64.fetchOne(db, sql: "SELECT count FROM quarantine_total") ?? 0,
                tooOld: try Int64.fetchOne(db, sql: "SELECT value FROM mark WHERE name = 'tooOld'")
                    ?? 0,
                appliedLSN: try SQLiteFailureStore.appliedLSN(in: db),
                bytes: fileSize(path) + fileSize(path + "-wal"),
                schemaVersion: try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0,
                lastTestEvents: Dictionary(
                    uniqueKeysWithValues: queues.compactMap { row in
                        time(row[1]).map { (row[0] as String, $0) }
                    }), knownQueues: Set(queues.map { $0[0] }),
                pausedUntil: time(
                    try Int64.fetchOne(
                        db, sql: "SELECT value FROM mark WHERE name = 'intakePausedUntil'")))
        }
    }

    /// What a remediation with this selection would take: from counters where it names only the rule.
    func plan(_ selection: FailureSelection) throws(StoreFailure) -> SelectionPlan {
        try read { db in
            var plan = SelectionPlan()
            for group in try groups(of: selection, in: db) {
                plan.objects += group[2] as Int64
                plan.bytes = saturatingSum(plan.bytes, group[3])
                plan.reasons.append(
                    RuleOverview.Reason(
                        reason: group[0], destinationBucket: group[1], open: group[2]))
            }
            guard let rule = selection.rule else { return plan }
            plan.otherRules = try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT u.bucket, u.rule_id FROM rule u JOIN counter c ON c.rule = u.id
                    WHERE u.bucket = ? AND u.rule_id <> ? AND c.state = 0 AND c.count > 0
                    ORDER BY u.rule_id
                    """, arguments: [rule.sourceBucket, rule.ruleID]
            ).map { RuleName(sourceBucket: $0[0], ruleID: $0[1]) }
            return plan
        }
    }

    /// Open failures by reason and destination, most first: reason, destination, count, bytes.
    private func groups(of selection: FailureSelection, in db: Database) throws -> [Row] {
        var bare = FailureSelection()
        bare.rule = selection.rule
        bare.state = selection.state
        let rule = try selection.rule.flatMap { try NameTable.findRule($0, in: db) } ?? -1
        guard selection != bare || ![nil, .open].contains(selection.state) else {
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT r.code, d.name, c.count, c.bytes FROM counter c
                    JOIN reason r ON r.id = c.reason JOIN destination d ON d.id = c.destination
                    WHERE c.rule = ? AND c.state = 0 AND c.count > 0 ORDER BY 3 DESC, 1, 2
                    """, arguments: [rule])
        }
        let sql = SelectionSQL(selection)
        return try Row.fetchAll(
            db,
            sql: """
                SELECT r.code, d.name, count(*), cast(total(f.size) AS INTEGER)
                FROM \(SelectionSQL.tables) WHERE f.rule = ? AND f.state = 0 AND \(sql.condition)
                GROUP BY r.code, d.name ORDER BY 3 DESC, 1, 2
                """, arguments: [rule] + sql.arguments)
    }

    func remediation(_ id: String) throws(StoreFailure) -> StoredRemediation? {
        try read { db in
            try Row.fetchOne(
                db, sql: "SELECT sequence, document FROM remediation WHERE id = ?", arguments: [id]
            ).map { try storedRemediation($0, in: db) }
        }
    }

    func remediations(before sequence: Int64?, limit: Int) throws(StoreFailure)
        -> [StoredRemediation]
    {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT sequence, document FROM remediation WHERE sequence < ?
                    ORDER BY sequence DESC LIMIT ?
                    """, arguments: [sequence ?? .max, limit]
            ).map { try storedRemediation($0, in: db) }
        }
    }

    func unfinishedRemediations() throws(StoreFailure) -> [RemediationRun] {
        try read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT document FROM remediation
                    WHERE state NOT IN ('finished', 'failed', 'cancelled') ORDER BY sequence
                    """
            ).map { try JSONDecoder().decode(RemediationRun.self, from: Data($0.utf8)) }
        }
    }

    private func storedRemediation(_ row: Row, in db: Database) throws -> StoredRemediation {
        let run = try JSONDecoder().decode(
            RemediationRun.self, from: Data((row[1] as String).utf8))
        let verifying = try Int64.fetchOne(
            db, sql: "SELECT count(*) FROM failure WHERE remediation = ? AND state = ?",
            arguments: [run.id, FailureState.verifying.rawValue])
        return StoredRemediation(sequence: row[0], run: run, verifying: verifying ?? 0)
    }
}

/// Stops at the ends of Int64 instead of trapping: sizes are what messages claim.
func saturatingSum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (right < 0 ? .min : .max) : sum
}

private func time(_ milliseconds: Int64?) -> Timestamp? {
    milliseconds.map(Timestamp.init(milliseconds:))
}
