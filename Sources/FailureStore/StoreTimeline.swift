internal import Domain
internal import Foundation
internal import GRDB

extension StoreReader {
    /// The failures of the version first, from their own rows, then what was done about them.
    func timeline(
        bucket: String, key: ObjectKey, version: String, after: Int64?, limit: Int
    ) throws(StoreFailure) -> TimelinePage {
        try read { db in
            let object: StatementArguments = [bucket, Data(key.bytes), version]
            // Positions below zero count through the failures, those above are entries' numbers.
            let position = after ?? .min
            let told = position < 0 ? max(0, position - .min) : 0
            let failures = position < 0 ? try failures(of: object, in: db).dropFirst(Int(told)) : []
            guard failures.count < limit else {
                return TimelinePage(
                    entries: Array(failures.prefix(limit)),
                    nextPosition: .min + told + Int64(limit))
            }
            let room = limit - failures.count
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT t.id, t.at, t.what, t.reason, t.remediation, t.job, t.evidence, t.by, t.note
                    FROM timeline t JOIN rule u ON u.id = t.rule
                    WHERE u.bucket = ? AND t.key = ? AND t.version = ? AND t.id > ?
                    ORDER BY t.id LIMIT ?
                    """, arguments: object + [max(0, position), room])
            let done = rows.map { row in
                TimelineEntry(
                    at: Timestamp(milliseconds: row[1]), what: row[2], reason: row[3],
                    remediationID: row[4], jobID: row[5],
                    evidence: (row[6] as Int?).flatMap(Evidence.init(rawValue:)), by: row[7],
                    note: row[8])
            }
            let last: Int64 = rows.last?[0] ?? max(0, position)
            return TimelinePage(
                entries: failures + done, nextPosition: rows.count == room ? last : nil)
        }
    }

    /// The first and the newest failure under each rule and destination, oldest first.
    private func failures(
        of object: StatementArguments, in db: Database
    ) throws -> [TimelineEntry] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT f.first_failed_at, f.last_failed_at, r.code
                FROM (SELECT DISTINCT c.rule, c.destination FROM counter c
                      JOIN rule u ON u.id = c.rule WHERE u.bucket = ?) p
                JOIN failure f ON f.rule = p.rule AND f.destination = p.destination
                  AND f.key = ? AND f.version = ?
                JOIN reason r ON r.id = f.reason
                """, arguments: object)
        return rows.flatMap { row in
            let first = Timestamp(milliseconds: row[0])
            let newest = Timestamp(milliseconds: row[1])
            let entry = TimelineEntry(at: newest, what: "failed", reason: row[2])
            return first == newest ? [entry] : [TimelineEntry(at: first, what: "failed"), entry]
        }.sorted { $0.at < $1.at }
    }
}
