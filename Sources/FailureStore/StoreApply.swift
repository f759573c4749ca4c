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
            var failures: [PlacedEvent] = []
            for (index, (lsn, record)) in batch.records.enumerated()
            where lsn > summary.appliedLSN {
                if case .event(let event) = record, event.name == .operationFailed {
                    failures.append(PlacedEvent(key: try rowKey(of: event, in: db), index: index))
                } else {
                    try apply(&failures, of: batch, rows: &rows, summary: &summary, in: db)
                    try apply(
                        record, lsn: lsn, at: batch.at, rows: &rows, summary: &summary, in: db)
                }
                summary.appliedLSN = lsn
            }
            try apply(&failures, of: batch, rows: &rows, summary: &summary, in: db)
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

    private func rowKey(of event: ReplicationEvent, in db: Database) throws -> RowKey {
        let identity = FailureIdentity(event)
        return RowKey(
            rule: try names.rule(identity.rule, region: event.region, in: db),
            destination: try names.destination(identity.destinationBucket, in: db),
            key: identity.key.bytes, version: identity.versionID)
    }

    /// Failure events that follow each other, in the order of the table: each of its pages is then changed once, and
    /// written once. Events of one failure stay in their order; those of different ones do not depend on each other.
    private func apply(
        _ failures: inout [PlacedEvent], of batch: StoreBatch, rows: inout FailureRows,
        summary: inout ApplySummary, in db: Database
    ) throws {
        failures.sort()
        for failure in failures {
            guard case .event(let event) = batch.records[failure.index].record else { continue }
            try applyFailure(
                failure.key, event, at: batch.at, rows: &rows, summary: &summary, in: db)
        }
        failures.removeAll(keepingCapacity: true)
    }

    private func applyFailure(
        _ key: RowKey, _ event: ReplicationEvent, at now: Timestamp, rows: inout FailureRows,
        summary: inout ApplySummary, in db: Database
    ) throws {
        let isTooOld = isTooOld(event, at: now)
        let usual = Failure.initialState(reasonClass: reasonClass(of: event.reason ?? ""))
        let first = Failure(firstEvent: event, state: isTooOld ? .verifying : usual)
        let reason = try names.reason(first.reason, in: db)
        if try rows.insert(key, first, reason: reason, in: db) {
            summary.newFailures += 1
            if isTooOld { summary.tooOld += 1 }
            return
        }
        guard let before = try FailureRows.find(key, in: db) else {
            throw DatabaseError(message: "a failure that is there is not found")
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
    private func isTooOld(_ event: ReplicationEvent, at now: Timestamp) -> Bool {
        event.eventTime < now.advanced(byMilliseconds: -options.closedRetention)
    }

    /// Lag notes belong to the rule; only ReplicatedAfterThreshold touches a failure.
    private func applyLag(
        _ event: ReplicationEvent, rows: inout FailureRows, in db: Database
    ) throws {
        let key = try rowKey(of: event, in: db)
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

/// Where a batch's failure event belongs in the table.
private struct PlacedEvent: Comparable {
    let key: RowKey
    /// In the batch: the order in the log.
    let index: Int

    static func == (left: Self, right: Self) -> Bool { left.index == right.index }

    static func < (left: Self, right: Self) -> Bool {
        if left.key.rule != right.key.rule { return left.key.rule < right.key.rule }
        if left.key.destination != right.key.destination {
            return left.key.destination < right.key.destination
        }
        let keys = bytewiseOrder(left.key.key, right.key.key)
        if keys != 0 { return keys < 0 }
        if left.key.version != right.key.version { return left.key.version < right.key.version }
        return left.index < right.index
    }
}

/// As SQLite orders BLOBs: less than, equal to or greater than 0, and a prefix is less.
private func bytewiseOrder(_ left: [UInt8], _ right: [UInt8]) -> Int {
    let shorter = min(left.count, right.count)
    let order = unsafe left.withUnsafeBytes { left in
        unsafe right.withUnsafeBytes { right in
            guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
            return Int(unsafe memcmp(left, right, shorter))
        }
    }
    return order != 0 ? order : left.count - right.count
}
