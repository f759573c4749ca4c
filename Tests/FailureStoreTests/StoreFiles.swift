import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// A store of its own in a directory, and what SQLite's own shell says of it: another program, another opinion.
struct StoreFiles {
    let directory = TemporaryDirectory()

    var path: String { directory.path + "/failures.db" }

    func open(_ options: StoreOptions = StoreOptions()) throws -> SQLiteFailureStore {
        try SQLiteFailureStore.open(
            path: path, writer: .blocking("writer"), reader: .blocking("reader"), options: options)
    }

    /// What `sqlite3` answers to SQL or to one of its dot commands.
    func shell(_ sql: String) throws -> String {
        let (status, output) = try run("sqlite3", path, sql)
        #expect(status == 0, "\(output)")
        return output
    }

    func size(_ suffix: String = "") throws -> Int {
        try PosixFileSystem().open(path + suffix, .read).size()
    }

    /// Rows in which counters, hourly buckets, what waits for a HEAD or what remediations hold differ from a recount of
    /// the failures; empty when none.
    func differencesFromRecount() throws -> String {
        let counters = "SELECT rule, destination, state, reason, count, bytes FROM counter"
        let counted = """
            SELECT rule, destination, state, reason, count(*), sum(coalesce(size, 0)) FROM failure
            GROUP BY rule, destination, state, reason
            """
        let hours = "SELECT rule, hour, destination, reason, count FROM hourly"
        let hourly = """
            SELECT rule, last_failed_at / 3600000, destination, reason, count(*) FROM failure
            GROUP BY rule, last_failed_at / 3600000, destination, reason
            """
        let waiting = "SELECT rule, destination, key, version FROM verification"
        let verifying = "SELECT rule, destination, key, version FROM failure WHERE state = 2"
        let held = """
            SELECT remediation, destination, reason, fate, count FROM remediation_count
            WHERE fate < 2 AND count <> 0
            """
        let holding = """
            SELECT remediation, destination, reason, state - 1, count(*) FROM failure
            WHERE remediation IS NOT NULL AND state IN (1, 2) GROUP BY 1, 2, 3, 4
            """
        let total = "SELECT count, bytes FROM quarantine_total"
        let kept = "SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine"
        return try [
            (total, kept), (counters, counted), (counted, counters), (hours, hourly),
            (hourly, hours), (waiting, verifying), (verifying, waiting), (held, holding),
            (holding, held),
        ].map {
            try shell("SELECT * FROM (\($0.0)) EXCEPT SELECT * FROM (\($0.1))")
        }.joined()
    }
}

extension SQLiteFailureStore {
    /// Every failure, by pages.
    func everything(limit: Int = 1000) async throws -> [StoredFailure] {
        var found: [StoredFailure] = []
        var cursor: String?
        repeat {
            let page = try await page(
                FailureQuery(selection: FailureSelection(), limit: limit, cursor: cursor))
            found += page.failures
            cursor = page.nextCursor
        } while cursor != nil
        return found
    }
}

extension SQLiteFailureStore {
    /// What HEADs found, told at a moment.
    func heads(
        _ findings: [(FailureIdentity, HeadFinding)], at: Timestamp
    ) throws {
        _ = try record(
            findings.map { VerificationResult(identity: $0.0, occurrence: .head($0.1)) }, at: at)
    }

    /// Applies an occurrence to all that a run has in one state.
    func settleAll(
        _ run: String, _ state: FailureState, _ occurrence: FailureOccurrence, limit: Int = 1000,
        at: Timestamp
    ) throws {
        var cursor: String?
        repeat {
            cursor = try settle(
                run, state, occurrence, succeededIn: nil, after: cursor, limit: limit, at: at)
        } while cursor != nil
    }
}

/// Records as a batch, with LSNs from `first` on.
func storeBatch(_ records: [StoreRecord], from first: UInt64, at: Int64 = 5000) -> StoreBatch {
    StoreBatch(
        records: records.enumerated().map { (first + UInt64($0.offset), $0.element) },
        at: Timestamp(milliseconds: at))
}
