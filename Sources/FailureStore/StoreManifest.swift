package import Domain
internal import Foundation
internal import GRDB
internal import GRDBSQLite

/// Object versions of a run in the order of a manifest: by key and version ID, bytewise, each once but where a page
/// of several destinations has it from more than one. All in one piece of memory: ten million rows go this way.
package struct ManifestPage: Sendable {
    private var bytes: [UInt8] = []
    /// Where the key of a row ends, and its version ID.
    private var ends: [(key: Int, versionID: Int)] = []
    /// Nothing comes behind these.
    package fileprivate(set) var isLast = true

    package var count: Int { ends.count }

    package subscript(row: Int) -> (key: ArraySlice<UInt8>, versionID: ArraySlice<UInt8>) {
        let start = row == 0 ? 0 : ends[row - 1].versionID
        let end = ends[row]
        return (bytes[start..<end.key], bytes[end.key..<end.versionID])
    }

    /// Where the next page begins; nil when there is no row.
    package var last: (key: ObjectKey, versionID: String)? {
        guard count > 0 else { return nil }
        let row = self[count - 1]
        return (ObjectKey(bytes: Array(row.key)), String(decoding: row.versionID, as: UTF8.self))
    }

    fileprivate mutating func reserve(_ rows: Int) {
        ends.reserveCapacity(rows)
        bytes.reserveCapacity(rows * 128)
    }

    fileprivate mutating func append(
        _ key: some Collection<UInt8>, _ versionID: some Collection<UInt8>
    ) {
        bytes.append(contentsOf: key)
        let keyEnd = bytes.count
        bytes.append(contentsOf: versionID)
        ends.append((keyEnd, bytes.count))
    }

    /// The first rows of all, in order.
    fileprivate func merged(limit: Int) -> ManifestPage {
        let order = (0..<count).sorted { left, right in
            let (left, right) = (self[left], self[right])
            return left.key == right.key
                ? left.versionID.lexicographicallyPrecedes(right.versionID)
                : left.key.lexicographicallyPrecedes(right.key)
        }
        var merged = ManifestPage()
        merged.isLast = isLast && count <= limit
        for row in order.prefix(limit) { merged.append(self[row].key, self[row].versionID) }
        return merged
    }
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
        var page = ManifestPage()
        page.reserve(limit)
        var streams = 0
        var stream = try nextStream(of: run, after: nil, in: db)
        while let (rule, destination) = stream {
            let statement = try db.cachedStatement(sql: streamSQL)
            try statement.setArguments([
                run, rule, destination, after.map { Data($0.key.bytes) } ?? Data(),
                after?.versionID ?? "", limit,
            ])
            if try take(statement, into: &page) == limit { page.isLast = false }
            streams += 1
            stream = try nextStream(of: run, after: (rule, destination), in: db)
        }
        return streams > 1 ? page.merged(limit: limit) : page
    }

    /// Key and version of every row. By SQLite's own calls: GRDB's rows would cost twice what SQLite does.
    private static func take(
        _ statement: Statement, into page: inout ManifestPage
    ) throws -> Int {
        let raw = unsafe statement.sqliteStatement
        defer { unsafe sqlite3_reset(raw) }
        var count = 0
        while true {
            let code = unsafe sqlite3_step(raw)
            guard code == SQLITE_ROW else {
                guard code == SQLITE_DONE else {
                    throw DatabaseError(resultCode: ResultCode(rawValue: code), sql: streamSQL)
                }
                return count
            }
            unsafe page.append(column(raw, 0), column(raw, 1))
            count += 1
        }
    }

    /// Valid until the statement's next step.
    private static func column(_ raw: SQLiteStatement, _ index: Int32) -> UnsafeRawBufferPointer {
        let address = unsafe sqlite3_column_blob(raw, index)
        return unsafe UnsafeRawBufferPointer(
            start: address, count: Int(sqlite3_column_bytes(raw, index)))
    }

    private static let submitted = FailureState.submitted.rawValue

    private static let streamSQL = """
        SELECT key, version FROM failure
        WHERE remediation = ? AND state = \(submitted) AND rule = ? AND destination = ?
        AND (key, version) > (?, ?) ORDER BY key, version LIMIT ?
        """

    /// The next rule and destination of a run, by a look or two into the index: `(rule, destination) > (?, ?)` would
    /// step over every row of the one before.
    private static func nextStream(
        of run: String, after: (rule: Int64, destination: Int64)?, in db: Database
    ) throws -> (rule: Int64, destination: Int64)? {
        let sql = { (condition: String) in
            """
            SELECT rule, destination FROM failure
            WHERE remediation = ? AND state = \(submitted) AND \(condition)
            ORDER BY rule, destination LIMIT 1
            """
        }
        var row: Row?
        if let after {
            row = try Row.fetchOne(
                db.cachedStatement(sql: sql("rule = ? AND destination > ?")),
                arguments: [run, after.rule, after.destination])
        }
        row =
            try row
            ?? Row.fetchOne(
                db.cachedStatement(sql: sql("rule > ?")), arguments: [run, after?.rule ?? -1])
        return row.map { ($0[0], $0[1]) }
    }
}
