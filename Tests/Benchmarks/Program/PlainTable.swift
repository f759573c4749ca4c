import Domain
import Foundation
import GRDB

extension StoreCommand {
    private static let schema = """
        CREATE TABLE IF NOT EXISTS failure (
            source_bucket TEXT NOT NULL, rule_id TEXT NOT NULL, destination_bucket TEXT NOT NULL,
            key TEXT NOT NULL, version_id TEXT NOT NULL,
            reason TEXT NOT NULL, operation TEXT, size INTEGER, etag TEXT, sequencer TEXT,
            first_failed_at TEXT NOT NULL, last_failed_at TEXT NOT NULL,
            failure_count INTEGER NOT NULL,
            PRIMARY KEY (source_bucket, rule_id, destination_bucket, key, version_id)
        ) WITHOUT ROWID
        """
    private static let upsert = """
        INSERT INTO failure VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, 1)
        ON CONFLICT DO UPDATE SET reason = excluded.reason, operation = excluded.operation,
            size = excluded.size, etag = excluded.etag, last_failed_at = excluded.last_failed_at,
            failure_count = failure_count + 1
        WHERE excluded.last_failed_at > last_failed_at
        """

    /// The table of consumer.py: no counters, no index by time, no states; SQLite's own checkpoints.
    func upsertPlainly() throws -> Measurement.Result {
        let queue = try DatabaseQueue(path: place.directory + "/plain.db")
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            try db.execute(sql: Self.schema)
        }
        let events = events
        var total = Measurement.Total()
        for start in stride(from: 0, to: records, by: Self.recordsPerBatch) {
            let range = start..<min(start + Self.recordsPerBatch, records)
            let rows = range.map { arguments(events.event($0)) }
            let measurement = Measurement()
            try queue.write { db in
                let statement = try db.cachedStatement(sql: Self.upsert)
                for row in rows { try statement.execute(arguments: row) }
            }
            total.add(measurement.result(records: rows.count))
        }
        return total.result
    }

    private func arguments(_ event: ReplicationEvent) -> StatementArguments {
        [
            event.sourceBucket, event.ruleID, event.destinationBucket,
            String(decoding: event.key.bytes, as: UTF8.self), event.versionID, event.reason,
            event.operation, event.size, event.eTag, event.sequencer, event.eventTime.description,
        ]
    }
}
