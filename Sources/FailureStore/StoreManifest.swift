package import Domain
internal import Foundation
internal import GRDB

/// Object versions of a run in the order of a manifest: by key and version ID, bytewise, each once.
package struct ManifestPage: Sendable {
    package var rows: [(key: ObjectKey, versionID: String)]
    /// Nothing comes behind these.
    package var isLast: Bool
}

extension SQLiteFailureStore {
    package nonisolated func manifestPage(
        of run: String, after: (key: ObjectKey, versionID: String)?, limit: Int
    ) async throws(StoreFailure) -> ManifestPage {
        try await reader.manifestPage(of: run, after: after, limit: limit)
    }
}

extension StoreReader {
    func manifestPage(
        of run: String, after: (key: ObjectKey, versionID: String)?, limit: Int
    ) throws(StoreFailure) -> ManifestPage {
        try read { db in try Self.manifestPage(of: run, after: after, limit: limit, in: db) }
    }

    /// The index has a run's rows by rule and destination first, so each of these, mostly one, is read in its order and
    /// then merged: never a sort of the whole run.
    private static func manifestPage(
        of run: String, after: (key: ObjectKey, versionID: String)?, limit: Int, in db: Database
    ) throws -> ManifestPage {
        var rows: [(key: ObjectKey, versionID: String)] = []
        var isLast = true
        var streams = 0
        var stream = try nextStream(of: run, after: nil, in: db)
        while let (rule, destination) = stream {
            let found = try Row.fetchCursor(
                db.cachedStatement(sql: streamSQL),
                arguments: [
                    run, rule, destination, after.map { Data($0.key.bytes) } ?? Data(),
                    after?.versionID ?? "", limit,
                ])
            var count = 0
            while let row = try found.next() {
                let key = try row.withUnsafeData(atIndex: 0) {
                    ObjectKey(bytes: Array($0 ?? Data()))
                }
                rows.append((key, row[1]))
                count += 1
            }
            if count == limit { isLast = false }
            streams += 1
            stream = try nextStream(of: run, after: (rule, destination), in: db)
        }
        guard streams > 1 else { return ManifestPage(rows: rows, isLast: isLast) }
        rows.sort { left, right in
            left.key == right.key
                ? left.versionID.utf8.lexicographicallyPrecedes(right.versionID.utf8)
                : left.key < right.key
        }
        if rows.count > limit {
            rows.removeSubrange(limit...)
            isLast = false
        }
        return ManifestPage(rows: rows, isLast: isLast)
    }

    private static let submitted = FailureState.submitted.rawValue

    private static let streamSQL = """
        SELECT key, version FROM failure
        WHERE remediation = ? AND state = \(submitted) AND rule = ? AND destination = ?
        AND (key, version) > (?, ?) ORDER BY key, version LIMIT ?
        """

    /// The next rule and destination of a run, by one look into the index.
    private static func nextStream(
        of run: String, after: (rule: Int64, destination: Int64)?, in db: Database
    ) throws -> (rule: Int64, destination: Int64)? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT rule, destination FROM failure
                    WHERE remediation = ? AND state = \(submitted)
                    AND (rule, destination) > (?, ?) ORDER BY rule, destination LIMIT 1
                    """),
            arguments: [run, after?.rule ?? -1, after?.destination ?? -1])
        return row.map { ($0[0], $0[1]) }
    }
}
