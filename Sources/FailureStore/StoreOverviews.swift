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
                // Swift takes URLs that differ in normalisation alone for one key.
                lastTestEvents: Dictionary(
                    queues.compactMap { row in time(row[1]).map { (row[0] as String, $0) } },
                    uniquingKeysWith: max), knownQueues: Set(queues.map { $0[0] }),
                pausedUntil: time(
                    try Int64.fetchOne(
                        db, sql: "SELECT value FROM mark WHERE name = 'intakePausedUntil'")))
        }
    }

    func remediation(_ id: String) throws(StoreFailure) -> StoredRemediation? {
        try read { db in
            try Row.fetchOne(
                db, sql: "SELECT sequence, document FROM remediation WHERE id = ?", arguments: [id]
            ).map { try storedRemediation($0, in: db) }
        }
    }

    func remediations(before sequence: Int64?, limit: Int) throws(StoreFailure)
        -> RemediationPage
    {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT sequence, document FROM remediation WHERE sequence < ?
                    ORDER BY sequence DESC LIMIT ?
                    """, arguments: [sequence ?? .max, limit])
            var page = RemediationPage(remediations: [])
            for row in rows where (try? Self.run(row[1], in: db)) != nil {
                page.remediations.append(try storedRemediation(row, in: db))
            }
            page.nextSequence = rows.count == limit ? rows.last?[0] : nil
            return page
        }
    }

    func unfinishedRemediations() throws(StoreFailure) -> UnfinishedRemediations {
        try read { db in
            var unfinished = UnfinishedRemediations()
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, document FROM remediation
                    WHERE state NOT IN ('finished', 'failed', 'cancelled') ORDER BY sequence
                    """)
            for row in rows {
                do {
                    unfinished.runs.append(try Self.run(row[1], in: db))
                } catch {
                    unfinished.unreadable.append(
                        UnreadableRemediation(id: row[0], sentence: "\(error)"))
                }
            }
            return unfinished
        }
    }

    private static func run(_ document: String, in db: Database) throws -> RemediationRun {
        var run = try JSONDecoder().decode(RemediationRun.self, from: Data(document.utf8))
        run.wishes = Set(
            try String.fetchAll(
                db.cachedStatement(sql: "SELECT what FROM wish WHERE remediation = ?"),
                arguments: [run.id]
            ).compactMap(RemediationRun.Wish.init(text:)))
        return run
    }

    private func storedRemediation(_ row: Row, in db: Database) throws -> StoredRemediation {
        let run = try Self.run(row[1], in: db)
        var tally = RemediationTally()
        let counts = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT coalesce(r.code, ''), coalesce(d.name, ''), c.fate, c.count
                    FROM remediation_count c LEFT JOIN reason r ON r.id = c.reason
                    LEFT JOIN destination d ON d.id = c.destination WHERE c.remediation = ?
                    """), arguments: [run.id])
        while let count = try counts.next() {
            guard let fate = RemediationTally.Fate(rawValue: count[2]) else { continue }
            let group = RemediationTally.Group(reason: count[0], destinationBucket: count[1])
            tally.counts[group, default: [:]][fate, default: 0] += count[3] as Int64
        }
        return StoredRemediation(sequence: row[0], run: run, tally: tally)
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
