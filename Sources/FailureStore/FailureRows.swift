internal import Domain
internal import Foundation
internal import GRDB

/// The key of a row of `failure`.
struct RowKey: Hashable {
    var rule: Int64
    var destination: Int64
    var key: [UInt8]
    var version: String
}

/// A row of `failure` as the life sees it, beside the interned number of its reason.
struct FailureRow {
    var failure: Failure
    var reason: Int64
}

/// Reading and writing rows of `failure`, each change with its counters.
///
/// Counters are collected over a transaction and written once at its end: a batch touches few of them, but many
/// times.
struct FailureRows {
    private struct CounterKey: Hashable {
        var rule: Int64
        var destination: Int64
        var state: Int
        var reason: Int64
    }

    private struct HourKey: Hashable {
        var rule: Int64
        var hour: Int64
        var destination: Int64
        var reason: Int64
    }

    private struct TallyKey: Hashable {
        var remediation: String
        var destination: Int64
        var reason: Int64
        var fate: Int
    }

    private var counters: [CounterKey: (count: Int64, bytes: Int64)] = [:]
    private var hours: [HourKey: Int64] = [:]
    private var tallies: [TallyKey: Int64] = [:]
    private var newest: [Int64: Int64] = [:]

    static let columns = """
        f.rule, f.destination, f.key, f.version, f.state, f.reason, f.size, f.etag, f.operation,
        f.sequencer, f.first_failed_at, f.last_failed_at, f.last_request_id, f.failure_count,
        f.remediation, f.last_task, f.closed_at, f.evidence, f.evidence_at, f.note
        """

    /// The row behind a key; nil when there is none.
    static func find(_ key: RowKey, in db: Database) throws -> FailureRow? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(columns), r.code FROM failure f JOIN reason r ON r.id = f.reason
                WHERE f.rule = ? AND f.destination = ? AND f.key = ? AND f.version = ?
                """)
        return try Row.fetchOne(
            statement, arguments: [key.rule, key.destination, Data(key.key), key.version]
        ).map(decode)
    }

    static func key(of row: Row) -> RowKey {
        RowKey(rule: row[0], destination: row[1], key: [UInt8](row[2] as Data), version: row[3])
    }

    /// Decodes `columns` followed by the reason's code.
    static func decode(_ row: Row) throws -> FailureRow {
        guard let state = FailureState(rawValue: row[4]) else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT,
                message: "a failure has state \(row[4] as Int), which does not exist")
        }
        let task = try (row[15] as String?).map {
            try JSONDecoder().decode(TaskOutcome.self, from: Data($0.utf8))
        }
        let failure = Failure(
            state: state, reason: row[20], size: row[6], eTag: row[7], operation: row[8],
            sequencer: row[9], firstFailedAt: Timestamp(milliseconds: row[10]),
            lastFailedAt: Timestamp(milliseconds: row[11]), lastRequestID: row[12],
            failureCount: row[13], remediationID: row[14], lastTask: task,
            closedAt: (row[16] as Int64?).map(Timestamp.init(milliseconds:)),
            evidence: (row[17] as Int?).flatMap(Evidence.init(rawValue:)),
            evidenceAt: (row[18] as Int64?).map(Timestamp.init(milliseconds:)), note: row[19])
        return FailureRow(failure: failure, reason: row[5])
    }

    /// Adds a row, and counts it. False when there is one already: then nothing is changed. Most failures are new, and
    /// this finds it out with the search that inserting takes anyway.
    mutating func insert(
        _ key: RowKey, _ failure: Failure, reason: Int64, in db: Database
    ) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO failure VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
                ON CONFLICT DO NOTHING
                """)
        guard try Self.bound(statement, key, failure, reason, in: db).run() else { return false }
        try note(key, failure, reason)
        try VerificationRows.follow(key, from: nil, to: failure, in: db)
        return true
    }

    /// Changes a row from what `before` says, and counts the difference.
    ///
    /// - Parameter fate: how it leaves its remediation, where the new state does not tell.
    mutating func write(
        _ key: RowKey, _ after: Failure, reason: Int64, before: FailureRow,
        fate: RemediationTally.Fate? = nil, in db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: """
                UPDATE failure SET state = ?5, reason = ?6, size = ?7, etag = ?8, operation = ?9,
                  sequencer = ?10, first_failed_at = ?11, last_failed_at = ?12,
                  last_request_id = ?13, failure_count = ?14, remediation = ?15, last_task = ?16,
                  closed_at = ?17, evidence = ?18, evidence_at = ?19, note = ?20
                WHERE rule = ?1 AND destination = ?2 AND key = ?3 AND version = ?4
                """)
        _ = try Self.bound(statement, key, after, reason, in: db).run()
        try count(key, before.failure, before.reason, -1)
        try note(key, after, reason)
        try VerificationRows.follow(key, from: before.failure, to: after, in: db)
        tally(key, before, after, reason: reason, fate: fate)
    }

    /// A remediation's failure is counted where it stands as long as it is held, and once more by how it leaves; what
    /// happens to it after that is none of the remediation's doing.
    private mutating func tally(
        _ key: RowKey, _ before: FailureRow, _ after: Failure, reason: Int64,
        fate: RemediationTally.Fate?
    ) {
        let held = before.failure.heldFate
        let holds = after.heldFate
        if let held, let run = before.failure.remediationID {
            let old = TallyKey(
                remediation: run, destination: key.destination, reason: before.reason,
                fate: held.rawValue)
            tallies[old, default: 0] -= 1
            if holds == nil {
                let left = fate ?? after.state.fate
                tallies[
                    TallyKey(
                        remediation: run, destination: key.destination, reason: before.reason,
                        fate: left.rawValue), default: 0] += 1
            }
        }
        guard let holds, let run = after.remediationID else { return }
        tallies[
            TallyKey(
                remediation: run, destination: key.destination, reason: reason,
                fate: holds.rawValue), default: 0] += 1
    }

    /// The statement with the values of a row in the order of its columns.
    private static func bound(
        _ statement: Statement, _ key: RowKey, _ failure: Failure, _ reason: Int64, in db: Database
    ) throws -> RecordStatement {
        var row = RecordStatement(statement, in: db)
        row.bind(key.rule)
        row.bind(key.destination)
        row.bind(blob: key.key)
        row.bind(key.version)
        row.bind(Int64(failure.state.rawValue))
        row.bind(reason)
        row.bind(failure.size)
        row.bind(failure.eTag)
        row.bind(failure.operation)
        row.bind(failure.sequencer)
        row.bind(failure.firstFailedAt.milliseconds)
        row.bind(failure.lastFailedAt.milliseconds)
        row.bind(failure.lastRequestID)
        row.bind(Int64(failure.failureCount))
        row.bind(failure.remediationID)
        row.bind(
            try failure.lastTask.map {
                String(decoding: try JSONEncoder().encode($0), as: UTF8.self)
            })
        row.bind(failure.closedAt?.milliseconds)
        row.bind((failure.evidence?.rawValue).map(Int64.init))
        row.bind(failure.evidenceAt?.milliseconds)
        row.bind(failure.note)
        return row
    }

    private mutating func note(_ key: RowKey, _ failure: Failure, _ reason: Int64) throws {
        try count(key, failure, reason, 1)
        newest[key.rule] = max(newest[key.rule] ?? .min, failure.lastFailedAt.milliseconds)
    }

    /// Deletes a row, and takes it out of the counters.
    mutating func delete(_ key: RowKey, _ row: FailureRow, in db: Database) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM failure
                WHERE rule = ? AND destination = ? AND key = ? AND version = ?
                """
        ).execute(arguments: [key.rule, key.destination, Data(key.key), key.version])
        try count(key, row.failure, row.reason, -1)
        try VerificationRows.follow(key, from: row.failure, to: nil, in: db)
    }

    /// Sizes come from messages, up to Int64.max: a sum that no counter holds is the record's fault, not a trap.
    private mutating func count(
        _ key: RowKey, _ failure: Failure, _ reason: Int64, _ sign: Int64
    ) throws {
        let counter = CounterKey(
            rule: key.rule, destination: key.destination, state: failure.state.rawValue,
            reason: reason)
        let (count, bytes) = counters[counter] ?? (0, 0)
        let (sum, overflow) = bytes.addingReportingOverflow(sign * (failure.size ?? 0))
        guard !overflow else {
            throw DatabaseError(message: "the failures' sizes add up to more than 2^63 - 1 bytes")
        }
        counters[counter] = (count + sign, sum)
        let hour = HourKey(
            rule: key.rule, hour: hourOf(failure.lastFailedAt), destination: key.destination,
            reason: reason)
        hours[hour, default: 0] += sign
    }

    /// Writes the collected differences: to be called once, last in the transaction. What has come down to nothing
    /// goes: hours would pile up, and the tables would tell in how many batches they were written.
    func writeCounters(in db: Database) throws {
        let counter = try db.cachedStatement(
            sql: """
                INSERT INTO counter VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE
                SET count = count + excluded.count, bytes = bytes + excluded.bytes
                """)
        let emptyCounter = try db.cachedStatement(
            sql: """
                DELETE FROM counter WHERE rule = ? AND destination = ? AND state = ? AND reason = ?
                AND count = 0
                """)
        for (key, change) in counters where change != (0, 0) {
            let row: StatementArguments = [key.rule, key.destination, key.state, key.reason]
            try counter.execute(arguments: row + [change.count, change.bytes])
            if change.count < 0 { try emptyCounter.execute(arguments: row) }
        }
        try writeHours(in: db)
        try writeTallies(in: db)
        let newestFailure = try db.cachedStatement(
            sql:
                "UPDATE rule SET newest_failed_at = max(coalesce(newest_failed_at, ?1), ?1) WHERE id = ?2"
        )
        for (rule, time) in newest {
            try newestFailure.execute(arguments: [time, rule])
        }
    }

    private func writeTallies(in db: Database) throws {
        let tally = try db.cachedStatement(
            sql: """
                INSERT INTO remediation_count VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE
                SET count = count + excluded.count
                """)
        for (key, change) in tallies where change != 0 {
            try tally.execute(arguments: [
                key.remediation, key.destination, key.reason, key.fate, change,
            ])
        }
    }

    private func writeHours(in db: Database) throws {
        let hourly = try db.cachedStatement(
            sql: """
                INSERT INTO hourly VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE
                SET count = count + excluded.count
                """)
        let emptyHour = try db.cachedStatement(
            sql: """
                DELETE FROM hourly WHERE rule = ? AND hour = ? AND destination = ? AND reason = ?
                AND count = 0
                """)
        for (key, change) in hours where change != 0 {
            let row: StatementArguments = [
                key.rule, key.hour, key.destination, key.reason,
            ]
            try hourly.execute(arguments: row + [change])
            if change < 0 { try emptyHour.execute(arguments: row) }
        }
    }
}

/// Hours since 1970, rounded down.
func hourOf(_ time: Timestamp) -> Int64 {
    let (hours, rest) = time.milliseconds.quotientAndRemainder(dividingBy: 3_600_000)
    return rest < 0 ? hours - 1 : hours
}

extension Failure {
    /// Where a remediation has it; nil where none has.
    fileprivate var heldFate: RemediationTally.Fate? {
        guard remediationID != nil else { return nil }
        switch state {
        case .submitted: return .submitted
        case .verifying: return .verifying
        case .open, .replicated, .parked, .gone, .dismissed: return nil
        }
    }
}

extension FailureState {
    fileprivate var fate: RemediationTally.Fate {
        switch self {
        case .replicated: .replicated
        case .gone: .gone
        case .parked: .parked
        case .dismissed: .dismissed
        // Verifying, and held by none: a newer event asks for a HEAD of its own.
        case .open, .submitted, .verifying: .failedAgain
        }
    }
}
