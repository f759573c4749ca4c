package import Domain
internal import Foundation
internal import GRDB

/// The rows of `verification`: one for every failure in that state, kept by whoever changes a failure.
enum VerificationRows {
    /// A failure that was not looked at yet is due at a moment of the first seconds of 1970: at once, and in an order
    /// that has nothing to do with the keys', so that the first ones are a sample.
    static let untriedBound: Int64 = 1 << 20

    static func follow(
        _ key: RowKey, from before: Failure?, to after: Failure?, in db: Database
    ) throws {
        let was = before?.state == .verifying
        let isNow = after?.state == .verifying
        guard was != isNow else { return }
        if isNow {
            try db.cachedStatement(
                sql: "INSERT OR REPLACE INTO verification VALUES (?,?,?,?,?,?,0)"
            ).execute(arguments: [
                key.rule, key.destination, Data(key.key), key.version, after?.remediationID ?? "",
                firstDue(key),
            ])
        } else {
            try db.cachedStatement(
                sql: """
                    DELETE FROM verification
                    WHERE rule = ? AND destination = ? AND key = ? AND version = ?
                    """
            ).execute(arguments: [key.rule, key.destination, Data(key.key), key.version])
        }
    }

    /// FNV-1a, 64 bits, of key and version, mixed once more: short keys would leave its upper half nearly the same.
    private static func firstDue(_ key: RowKey) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for byte in key.version.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        return Int64((hash >> 33) % UInt64(untriedBound))
    }
}

extension StoreReader {
    func dueVerifications(
        of run: String?, _ which: VerificationQuestion, at now: Timestamp, limit: Int
    ) throws(StoreFailure) -> [DueVerification] {
        try read { db in
            let bounds: ClosedRange<Int64> =
                switch which {
                case .all: 0...max(now.milliseconds, VerificationRows.untriedBound)
                case .untried: 0...VerificationRows.untriedBound
                case .tried:
                    VerificationRows
                        .untriedBound...max(
                            now.milliseconds, VerificationRows.untriedBound)
                }
            return try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT \(FailureRows.columns), r.code, u.bucket, u.rule_id, d.name, u.region,
                          v.tries
                        FROM verification v CROSS JOIN failure f ON f.rule = v.rule
                          AND f.destination = v.destination AND f.key = v.key
                          AND f.version = v.version
                        CROSS JOIN rule u ON u.id = f.rule
                        CROSS JOIN destination d ON d.id = f.destination
                        CROSS JOIN reason r ON r.id = f.reason
                        WHERE v.run = ? AND v.due_at BETWEEN ? AND ? ORDER BY v.due_at LIMIT ?
                        """),
                arguments: [run ?? "", bounds.lowerBound, bounds.upperBound, limit]
            ).map { row in
                DueVerification(
                    stored: try StoreReader.storedFailure(row), region: row[24], tries: row[25])
            }
        }
    }

    func nextVerification(
        of run: String?, _ which: VerificationQuestion
    ) throws(StoreFailure) -> Timestamp? {
        try read { db in
            try Int64.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT due_at FROM verification WHERE run = ? AND due_at >= ?
                        ORDER BY due_at LIMIT 1
                        """),
                arguments: [
                    run ?? "", which == .tried ? VerificationRows.untriedBound : Int64(0),
                ])
        }.map { Timestamp(milliseconds: $0) }
    }
}

extension SQLiteFailureStore {
    package func record(
        _ results: [VerificationResult], at now: Timestamp
    ) throws(StoreFailure) -> [FailureState: Int64] {
        try write { db in
            var reached: [FailureState: Int64] = [:]
            var rows = FailureRows()
            for result in results {
                if let occurrence = result.occurrence {
                    for sibling in try Self.identities(for: occurrence, of: result.identity, in: db)
                    {
                        let isAsked = sibling == result.identity
                        let state = try change(
                            sibling, occurrence, at: now, reopens: isAsked, rows: &rows, in: db)
                        if isAsked, let state { reached[state, default: 0] += 1 }
                    }
                }
                if let retry = result.retryAt { try postpone(result, to: retry, in: db) }
            }
            try rows.writeCounters(in: db)
            return reached
        }
    }

    /// Only what still waits is still there.
    private func postpone(
        _ result: VerificationResult, to time: Timestamp, in db: Database
    ) throws {
        guard let rule = try NameTable.findRule(result.identity.rule, in: db) else { return }
        let place: StatementArguments = [
            rule, try names.destination(result.identity.destinationBucket, in: db),
            Data(result.identity.key.bytes), result.identity.versionID,
        ]
        let condition = "WHERE rule = ? AND destination = ? AND key = ? AND version = ?"
        try db.cachedStatement(
            sql: "UPDATE verification SET due_at = ?, tries = tries + 1 \(condition)"
        ).execute(arguments: [time.milliseconds] + place)
        guard db.changesCount > 0 else { return }
        try db.cachedStatement(
            sql: "UPDATE failure SET note = ? \(condition) AND note IS NOT ?"
        ).execute(arguments: [result.note] + place + [result.note])
    }

    /// The failures that an answer speaks of: S3's status is one for all destinations of a version, so COMPLETED and
    /// absence are news to every rule's failure of that version.
    private static func identities(
        for occurrence: FailureOccurrence, of identity: FailureIdentity, in db: Database
    ) throws -> [FailureIdentity] {
        switch occurrence {
        case .head(.completed), .head(.absent): break
        default: return [identity]
        }
        let pairs = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT DISTINCT u.rule_id, d.name FROM counter c JOIN rule u ON u.id = c.rule
                    JOIN destination d ON d.id = c.destination WHERE u.bucket = ?
                    """), arguments: [identity.rule.sourceBucket])
        return pairs.map { pair in
            FailureIdentity(
                rule: RuleName(sourceBucket: identity.rule.sourceBucket, ruleID: pair[0]),
                destinationBucket: pair[1], key: identity.key, versionID: identity.versionID)
        }
    }

    package func release(_ run: String, limit: Int) throws(StoreFailure) -> Int {
        try write { db in
            try db.cachedStatement(
                sql: """
                    UPDATE verification SET run = '' WHERE (rule, destination, key, version) IN
                      (SELECT rule, destination, key, version FROM verification WHERE run = ? LIMIT ?)
                    """
            ).execute(arguments: [run, limit])
            return db.changesCount
        }
    }
}
