internal import GRDB

/// Version 5: what waits for a HEAD and when, what became of each remediation's failures, and what operators asked.
enum SchemaOfVerification {
    static func register(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("5") { db in
            for statement in statements { try db.execute(sql: statement) }
            try db.execute(sql: "PRAGMA user_version = 5")
        }
    }

    private static let statements = [
        // One row for each failure that is verifying; `run` is empty for those that no remediation waits for.
        """
        CREATE TABLE verification (rule INTEGER NOT NULL, destination INTEGER NOT NULL,
          key BLOB NOT NULL, version TEXT NOT NULL, run TEXT NOT NULL, due_at INTEGER NOT NULL,
          tries INTEGER NOT NULL, PRIMARY KEY (rule, destination, key, version))
          WITHOUT ROWID, STRICT
        """,
        "CREATE INDEX verification_due ON verification (run, due_at)",
        """
        CREATE TABLE remediation_count (remediation TEXT NOT NULL, destination INTEGER NOT NULL,
          reason INTEGER NOT NULL, fate INTEGER NOT NULL, count INTEGER NOT NULL,
          PRIMARY KEY (remediation, destination, reason, fate)) WITHOUT ROWID, STRICT
        """,
        """
        CREATE TABLE wish (remediation TEXT NOT NULL, what TEXT NOT NULL, by TEXT NOT NULL,
          at INTEGER NOT NULL, PRIMARY KEY (remediation, what)) WITHOUT ROWID, STRICT
        """,
        """
        INSERT INTO verification
        SELECT f.rule, f.destination, f.key, f.version,
          coalesce((SELECT m.id FROM remediation m WHERE m.id = f.remediation
            AND m.state NOT IN ('finished', 'failed', 'cancelled')), ''), 0, 0
        FROM failure f WHERE f.state = 2
        """,
        // Fates 0 and 1 are the states 1 and 2, held.
        """
        INSERT INTO remediation_count
        SELECT remediation, destination, reason, state - 1, count(*) FROM failure
        WHERE remediation IS NOT NULL AND state IN (1, 2)
        GROUP BY remediation, destination, reason, state
        """,
        // What the documents had counted, without reason and destination.
        """
        INSERT INTO remediation_count
        SELECT m.id, 0, 0, o.fate, json_extract(m.document, '$.outcome.' || o.name)
        FROM remediation m, (SELECT 2 AS fate, 'replicated' AS name
          UNION ALL SELECT 3, 'failedAgain' UNION ALL SELECT 4, 'gone' UNION ALL SELECT 5, 'parked') o
        WHERE json_valid(m.document)
          AND json_type(m.document, '$.outcome.' || o.name) = 'integer'
          AND json_extract(m.document, '$.outcome.' || o.name) > 0
        """,
    ]
}
