internal import GRDB

/// The tables, as migrations that are only ever appended to.
///
/// - Names that repeat (buckets, rules, reasons) are small integers: half the size, and quicker to compare.
/// - `failure` has no rowid and is keyed rule first, so that a rule's pages are read in order from one tree.
/// - Counters are kept in the transaction that changes the data: no overview ever scans.
enum Schema {
    /// The version that this program knows; a store with a greater one is refused by name.
    static let version = 5

    static func migrate(_ writer: some DatabaseWriter) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            for statement in version1 { try db.execute(sql: statement) }
            try db.execute(sql: "PRAGMA user_version = 1")
        }
        migrator.registerMigration("2") { db in
            for statement in version2 { try db.execute(sql: statement) }
            try db.execute(sql: "PRAGMA user_version = 2")
        }
        migrator.registerMigration("3") { db in
            for statement in version3 { try db.execute(sql: statement) }
            try db.execute(sql: "PRAGMA user_version = 3")
        }
        registerAnswers(&migrator)
        SchemaOfVerification.register(&migrator)
        try migrator.migrate(writer)
    }

    private static func registerAnswers(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("4") { db in
            try db.execute(sql: answers)
            try db.execute(sql: "PRAGMA user_version = 4")
        }
    }

    /// What was answered to requests with an Idempotency-Key.
    private static let answers = """
        CREATE TABLE answer (sequence INTEGER PRIMARY KEY, uid INTEGER NOT NULL, key TEXT NOT NULL,
          request BLOB NOT NULL, at INTEGER NOT NULL, remediation TEXT, status INTEGER, type TEXT,
          body BLOB, UNIQUE (uid, key)) STRICT
        """

    private static let version1 = [
        "CREATE TABLE mark (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID, STRICT",
        """
        CREATE TABLE rule (id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, rule_id TEXT NOT NULL,
          region TEXT NOT NULL, newest_failed_at INTEGER, missed INTEGER NOT NULL DEFAULT 0,
          not_tracked INTEGER NOT NULL DEFAULT 0, oldest_missed_at INTEGER,
          UNIQUE (bucket, rule_id)) STRICT
        """,
        "CREATE TABLE destination (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
        """
        CREATE TABLE reason (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, class TEXT NOT NULL)
          STRICT
        """,
        """
        CREATE TABLE failure (rule INTEGER NOT NULL, destination INTEGER NOT NULL, key BLOB NOT NULL,
          version TEXT NOT NULL, state INTEGER NOT NULL, reason INTEGER NOT NULL, size INTEGER,
          etag TEXT, operation TEXT, sequencer TEXT, first_failed_at INTEGER NOT NULL,
          last_failed_at INTEGER NOT NULL, last_request_id TEXT NOT NULL,
          failure_count INTEGER NOT NULL, remediation TEXT, last_task TEXT, closed_at INTEGER,
          evidence INTEGER, evidence_at INTEGER, note TEXT,
          PRIMARY KEY (rule, destination, key, version)) WITHOUT ROWID, STRICT
        """,
        "CREATE INDEX failure_open_by_time ON failure (rule, last_failed_at) WHERE state = 0",
        "CREATE INDEX failure_held ON failure (remediation, state) WHERE remediation IS NOT NULL",
        """
        CREATE TABLE counter (rule INTEGER NOT NULL, destination INTEGER NOT NULL,
          state INTEGER NOT NULL, reason INTEGER NOT NULL, count INTEGER NOT NULL,
          bytes INTEGER NOT NULL, PRIMARY KEY (rule, destination, state, reason))
          WITHOUT ROWID, STRICT
        """,
        """
        CREATE TABLE hourly (rule INTEGER NOT NULL, hour INTEGER NOT NULL, reason INTEGER NOT NULL,
          count INTEGER NOT NULL, PRIMARY KEY (rule, hour, reason)) WITHOUT ROWID, STRICT
        """,
        """
        CREATE TABLE quarantine (id INTEGER PRIMARY KEY, queue TEXT NOT NULL,
          message_id TEXT NOT NULL, received_at INTEGER NOT NULL, problem TEXT NOT NULL,
          offset INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (queue, message_id)) STRICT
        """,
        """
        CREATE TABLE timeline (id INTEGER PRIMARY KEY, rule INTEGER NOT NULL,
          destination INTEGER NOT NULL, key BLOB NOT NULL, version TEXT NOT NULL,
          at INTEGER NOT NULL, what TEXT NOT NULL, reason TEXT, remediation TEXT, job TEXT,
          evidence INTEGER, by TEXT) STRICT
        """,
        "CREATE INDEX timeline_of_failure ON timeline (rule, key, version)",
        """
        CREATE TABLE remediation (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
          state TEXT NOT NULL, cursor BLOB, document TEXT NOT NULL) STRICT
        """,
        "CREATE TABLE queue (url TEXT PRIMARY KEY, last_test_at INTEGER) WITHOUT ROWID, STRICT",
    ]

    /// For retention: the oldest closed failures, and the quarantine's size, without a scan.
    private static let version2 = [
        "CREATE INDEX failure_closed ON failure (closed_at) WHERE closed_at IS NOT NULL",
        "CREATE TABLE quarantine_total (count INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT",
        """
        INSERT INTO quarantine_total
        SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine
        """,
    ]

    /// For histograms by destination, counted once from the failures; hours round down, also before 1970. For what an
    /// operator says to a failure.
    private static let version3 = [
        "DROP TABLE hourly",
        """
        CREATE TABLE hourly (rule INTEGER NOT NULL, hour INTEGER NOT NULL,
          destination INTEGER NOT NULL, reason INTEGER NOT NULL, count INTEGER NOT NULL,
          PRIMARY KEY (rule, hour, destination, reason)) WITHOUT ROWID, STRICT
        """,
        """
        INSERT INTO hourly
        SELECT rule, last_failed_at / 3600000 - (last_failed_at % 3600000 < 0) AS failed_hour,
          destination, reason, count(*)
        FROM failure GROUP BY rule, failed_hour, destination, reason
        """,
        "ALTER TABLE timeline ADD COLUMN note TEXT",
    ]
}
