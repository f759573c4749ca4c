package import Domain
internal import Foundation
internal import GRDB

extension SQLiteFailureStore {
    package func mark() throws(StoreFailure) -> StoreWatermark {
        try write { db in
            StoreWatermark(
                logID: try Data.fetchOne(db, sql: "SELECT value FROM mark WHERE name = 'logID'")
                    .map { [UInt8]($0) },
                appliedLSN: try Self.appliedLSN(in: db))
        }
    }

    package func adoptLogID(_ id: [UInt8]) throws(StoreFailure) {
        try write { db in
            try db.execute(
                sql:
                    "INSERT INTO mark VALUES ('logID', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                arguments: [Data(id)])
        }
    }

    /// Makes the store the partner of another log, whatever it was before: for `wal adopt` and `wal salvage`.
    package func takeLog(_ id: [UInt8], appliedLSN: UInt64) throws(StoreFailure) {
        try write { db in
            for (name, value) in [
                ("logID", Data(id).databaseValue),
                ("appliedLSN", Int64(bitPattern: appliedLSN).databaseValue),
            ] {
                try db.execute(
                    sql:
                        "INSERT INTO mark VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                    arguments: [name, value])
            }
        }
    }

    package func recognize(queueURLs: Set<String>) throws(StoreFailure) {
        try write { db in
            for url in queueURLs {
                try db.execute(
                    sql: "INSERT OR IGNORE INTO queue VALUES (?, NULL)", arguments: [url])
            }
        }
    }

    package func pauseIntake(until: Timestamp?) throws(StoreFailure) {
        try write { db in
            try db.execute(
                sql: """
                    INSERT INTO mark VALUES ('intakePausedUntil', ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value
                    """, arguments: [until?.milliseconds])
        }
    }

    package func apply(_ batch: StoreBatch) throws(StoreFailure) -> ApplySummary {
        try write { db in
            let applied = try Self.appliedLSN(in: db)
            var summary = ApplySummary(appliedLSN: applied)
            var rows = FailureRows()
            for (lsn, record) in batch.records where lsn > summary.appliedLSN {
                try apply(record, lsn: lsn, at: batch.at, rows: &rows, summary: &summary, in: db)
                summary.appliedLSN = lsn
            }
            try rows.writeCounters(in: db)
            try db.cachedStatement(
                sql: """
                    INSERT INTO mark VALUES ('appliedLSN', ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value
                    """
            ).execute(arguments: [Int64(summary.appliedLSN)])
            try countTooOld(summary.tooOld, in: db)
            return summary
        }
    }

    private func countTooOld(_ count: Int, in db: Database) throws {
        guard count > 0 else { return }
        try db.cachedStatement(
            sql: """
                INSERT INTO mark VALUES ('tooOld', ?)
                ON CONFLICT DO UPDATE SET value = value + excluded.value
                """
        ).execute(arguments: [count])
    }

    static func appliedLSN(in db: Database) throws -> UInt64 {
        let statement = try db.cachedStatement(
            sql: "SELECT value FROM mark WHERE name = 'appliedLSN'")
        return UInt64(try Int64.fetchOne(statement) ?? 0)
    }

    private func apply(
        _ record: StoreRecord, lsn: UInt64, at: Timestamp, rows: inout FailureRows,
        summary: inout ApplySummary, in db: Database
    ) throws {
        switch record {
        case .event(let event) where event.name == .operationFailed:
            try applyFailure(event, at: at, rows: &rows, summary: &summary, in: db)
        case .event(let event):
            try applyLag(event, rows: &rows, in: db)
        case .quarantined(let message):
            try quarantine(message, summary: &summary, in: db)
        case .poisoned(let payload, let problem):
            let message = QuarantinedMessage(
                logRecord: payload, lsn: lsn, at: at, problem: problem)
            try quarantine(message, summary: &summary, in: db)
        case .notificationTest(let test):
            try db.cachedStatement(
                sql: """
                    INSERT INTO queue VALUES (?, ?) ON CONFLICT DO UPDATE
                    SET last_test_at = max(ifnull(last_test_at, 0), excluded.last_test_at)
                    """
            ).execute(arguments: [test.queueURL, test.time.milliseconds])
        }
    }

    private func rowKey(of identity: FailureIdentity, region: String, in db: Database) throws
        -> RowKey
    {
        RowKey(
            rule: try names.rule(identity.rule, region: region, in: db),
            destination: try names.destination(identity.destinationBucket, in: db),
            key: identity.key.bytes, version: identity.versionID)
    }

    private func applyFailure(
        _ event: ReplicationEvent, at now: Timestamp, rows: inout FailureRows,
        summary: inout ApplySummary, in db: Database
    ) throws {
        let key = try rowKey(of: FailureIdentity(event), region: event.region, in: db)
        guard let before = try FailureRows.find(key, in: db) else {
            let failure = Failure(
                firstEvent: event, state: initialState(of: event, at: now, summary: &summary))
            let reason = try names.reason(failure.reason, in: db)
            try rows.write(key, failure, reason: reason, before: nil, in: db)
            summary.newFailures += 1
            return
        }
        var after = before.failure
        // What a remediation left verifying when it ended waits for nobody: held by it, a new failure would stay hidden.
        if try isReleased(after, in: db) { after.remediationID = nil }
        switch after.apply(.failed(event)) {
        case .none: break
        case .duplicate:
            summary.duplicates += 1
            if after != before.failure {
                try rows.write(key, after, reason: before.reason, before: before, in: db)
            }
        case .changed:
            summary.changedFailures += 1
            let reason = try names.reason(after.reason, in: db)
            try rows.write(key, after, reason: reason, before: before, in: db)
        }
    }

    private func isReleased(_ failure: Failure, in db: Database) throws -> Bool {
        guard failure.state == .verifying, let run = failure.remediationID else { return false }
        let state = try String.fetchOne(
            db.cachedStatement(sql: "SELECT state FROM remediation WHERE id = ?"), arguments: [run])
        return state.flatMap(RemediationRun.State.init(rawValue:))?.isTerminal ?? true
    }

    /// An event that is older than closed failures are kept may speak of one that was closed: S3 is to say.
    private func initialState(
        of event: ReplicationEvent, at now: Timestamp, summary: inout ApplySummary
    ) -> FailureState {
        guard event.eventTime < now.advanced(byMilliseconds: -options.closedRetention) else {
            return Failure.initialState(reasonClass: reasonClass(of: event.reason ?? ""))
        }
        summary.tooOld += 1
        return .verifying
    }

    /// Lag notes belong to the rule; only ReplicatedAfterThreshold touches a failure.
    private func applyLag(
        _ event: ReplicationEvent, rows: inout FailureRows, in db: Database
    ) throws {
        let key = try rowKey(of: FailureIdentity(event), region: event.region, in: db)
        switch event.name {
        case .operationFailed: break
        case .missedThreshold:
            try db.execute(
                sql: """
                    UPDATE rule SET missed = missed + 1,
                      oldest_missed_at = min(coalesce(oldest_missed_at, ?1), ?1) WHERE id = ?2
                    """, arguments: [event.eventTime.milliseconds, key.rule])
        case .notTracked:
            try db.execute(
                sql: "UPDATE rule SET not_tracked = not_tracked + 1 WHERE id = ?",
                arguments: [key.rule])
        case .replicatedAfterThreshold:
            try db.execute(
                sql: """
                    UPDATE rule SET missed = max(missed - 1, 0),
                      oldest_missed_at = CASE WHEN missed <= 1 THEN NULL ELSE oldest_missed_at END
                    WHERE id = ?
                    """, arguments: [key.rule])
            guard let before = try FailureRows.find(key, in: db) else { return }
            var after = before.failure
            if after.apply(.replicatedAfterThreshold(at: event.eventTime)) == .changed {
                try rows.write(key, after, reason: before.reason, before: before, in: db)
            }
        }
    }

    private func quarantine(
        _ message: QuarantinedMessage, summary: inout ApplySummary, in db: Database
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO quarantine (queue, message_id, received_at, problem, offset, body)
                VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING
                """
        ).execute(arguments: [
            message.queueURL, message.messageID, message.receivedAt.milliseconds, message.problem,
            message.offset, Data(message.body),
        ])
        guard db.changesCount > 0 else { return }
        summary.quarantined += 1
        try Self.countQuarantine(1, bytes: Int64(message.body.count), in: db)
    }
}
