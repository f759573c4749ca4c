package import Domain
internal import Foundation
internal import GRDB

/// What a sweep let go.
package struct SweepSummary: Equatable, Sendable {
    package var failures = 0
    package var timelineEntries = 0
    package var quarantined = 0
    /// False when there may be more to let go.
    package var isComplete = true

    package init() {}

    var rows: Int { failures + timelineEntries + quarantined }
}

extension SQLiteFailureStore {
    /// Rows that a sweep deletes at most: the flusher waits for it.
    static let rowsPerSweep = 1000

    package func sweep(at now: Timestamp) throws(StoreFailure) -> SweepSummary {
        try write { db in
            var summary = SweepSummary()
            try forgetClosed(
                before: now.advanced(byMilliseconds: -options.closedRetention), &summary, in: db)
            try forgetQuarantine(
                before: now.advanced(byMilliseconds: -options.quarantineRetention), &summary,
                in: db)
            summary.isComplete = summary.rows < Self.rowsPerSweep
            return summary
        }
    }

    /// The timeline of a failure goes first, so that one that is longer than a sweep is gone after some.
    private func forgetClosed(
        before limit: Timestamp, _ summary: inout SweepSummary, in db: Database
    ) throws {
        // The condition on states guards what is not closed, whatever its closed_at says.
        let found = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT \(FailureRows.columns), r.code
                    FROM failure f CROSS JOIN reason r ON r.id = f.reason
                    WHERE f.closed_at < ? AND f.state IN (\(FailureState.closedList))
                    ORDER BY f.closed_at LIMIT ?
                    """), arguments: [limit.milliseconds, Self.rowsPerSweep])
        let timeline = try db.cachedStatement(
            sql: """
                DELETE FROM timeline WHERE id IN (SELECT id FROM timeline
                  WHERE rule = ? AND key = ? AND version = ? AND destination = ? LIMIT ?)
                """)
        var rows = FailureRows()
        for row in found {
            let key = FailureRows.key(of: row)
            try timeline.execute(arguments: [
                key.rule, Data(key.key), key.version, key.destination,
                Self.rowsPerSweep - summary.rows,
            ])
            summary.timelineEntries += db.changesCount
            guard summary.rows < Self.rowsPerSweep else { break }
            try rows.delete(key, try FailureRows.decode(row), in: db)
            summary.failures += 1
            guard summary.rows < Self.rowsPerSweep else { break }
        }
        try rows.writeCounters(in: db)
    }

    /// Oldest first: entries are numbered as they came.
    private func forgetQuarantine(
        before limit: Timestamp, _ summary: inout SweepSummary, in db: Database
    ) throws {
        guard summary.rows < Self.rowsPerSweep else { return }
        var bytes = try Int64.fetchOne(db, sql: "SELECT bytes FROM quarantine_total") ?? 0
        let oldest = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, received_at, length(body) FROM quarantine ORDER BY id LIMIT ?
                    """), arguments: [Self.rowsPerSweep - summary.rows])
        let delete = try db.cachedStatement(sql: "DELETE FROM quarantine WHERE id = ?")
        for row in oldest {
            guard row[1] < limit.milliseconds || bytes > options.quarantineMaxBytes else { break }
            try delete.execute(arguments: [row[0] as Int64])
            try Self.countQuarantine(-1, bytes: -(row[2] as Int64), in: db)
            bytes -= row[2] as Int64
            summary.quarantined += 1
        }
    }

    package func dropQuarantined(_ id: Int64) throws(StoreFailure) -> Bool {
        try write { db in
            guard
                let bytes = try Int64.fetchOne(
                    db, sql: "SELECT length(body) FROM quarantine WHERE id = ?", arguments: [id])
            else { return false }
            try db.execute(sql: "DELETE FROM quarantine WHERE id = ?", arguments: [id])
            try Self.countQuarantine(-1, bytes: -bytes, in: db)
            return true
        }
    }

    static func countQuarantine(_ count: Int, bytes: Int64, in db: Database) throws {
        try db.cachedStatement(
            sql: "UPDATE quarantine_total SET count = count + ?, bytes = bytes + ?"
        ).execute(arguments: [count, bytes])
    }
}

extension FailureState {
    /// The stored numbers of the closed states, for SQL.
    static let closedList = allCases.filter(\.isClosed).map { String($0.rawValue) }
        .joined(separator: ", ")
}
