internal import Domain
internal import Foundation
internal import GRDB
internal import SystemIO

/// Questions to the store, each from one short snapshot, on an executor that may block.
actor StoreReader {
    private let pool: DatabasePool
    let path: String
    let options: StoreOptions
    private let executor: QueueExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    init(pool: DatabasePool, path: String, options: StoreOptions, executor: QueueExecutor) {
        self.pool = pool
        self.path = path
        self.options = options
        self.executor = executor
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(StoreFailure) -> Value {
        try translating(path) { try pool.read { db in try body(db) } }
    }

    func page(_ query: FailureQuery) throws(StoreFailure) -> FailurePage {
        try read { try Self.page(query, options, in: $0) }
    }

    /// A filter that matches little makes the page short.
    static func page(
        _ query: FailureQuery, _ options: StoreOptions, in db: Database
    ) throws -> FailurePage {
        var page = FailurePage(failures: [])
        page.nextCursor = try walk(query, options, in: db) { row in
            page.failures.append(try storedFailure(row))
            return page.failures.count == query.limit
        }
        return page
    }

    /// Hands the rows that match to `take`, in the query's order, until it says that it has enough. Looks at no more
    /// rows, and for no longer, than a page may: returns where to go on, nil at the end.
    static func walk(
        _ query: FailureQuery, _ options: StoreOptions, in db: Database,
        take: (Row) throws -> Bool
    ) throws -> String? {
        if let objects = query.selection.objects {
            return try walk(objects, query, options, in: db, take: take)
        }
        let cursor = try query.cursor.map { try PageCursor($0, order: query.order) }
        let selection = SelectionSQL(query.selection)
        var (range, arguments) = try range(of: query, after: cursor, in: db)
        arguments = selection.arguments + arguments
        let sql = """
            SELECT \(FailureRows.columns), r.code, u.bucket, u.rule_id, d.name,
              (\(selection.condition)) AS matches
            FROM \(SelectionSQL.tables) \(range) LIMIT \(options.pageRows)
            """
        let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
        let end = ContinuousClock.now + options.pageDuration
        var looked = 0
        var hasEnough = false
        var last: PageCursor?
        while let row = try rows.next() {
            let isOver = last != nil && ContinuousClock.now >= end
            if isOver || hasEnough { return last?.text }
            looked += 1
            last = PageCursor(order: query.order, row: FailureRows.key(of: row), time: row[11])
            if row[24] as Bool { hasEnough = try take(row) }
        }
        return looked == options.pageRows ? last?.text : nil
    }

    static func storedFailure(_ row: Row) throws -> StoredFailure {
        StoredFailure(
            identity: FailureIdentity(
                rule: RuleName(sourceBucket: row[21], ruleID: row[22]), destinationBucket: row[23],
                key: ObjectKey(bytes: [UInt8](row[2] as Data)), versionID: row[3]),
            failure: try FailureRows.decode(row).failure)
    }

    /// Where to start and in which order, so that rows come straight from a tree: the table's own for `key`, the
    /// index of open failures for the orders by time.
    private static func range(
        of query: FailureQuery, after cursor: PageCursor?, in db: Database
    ) throws -> (sql: String, arguments: StatementArguments) {
        var clauses: [String] = []
        var arguments = StatementArguments()
        if let rule = query.selection.rule {
            clauses.append("f.rule = ?")
            arguments += [try NameTable.findRule(rule, in: db) ?? -1]
        }
        let isByKey = query.order == .key
        if !isByKey { clauses.append("f.state = 0") }
        // With the rule fixed it may not stand in the comparison: SQLite would then search by it alone.
        let leading = isByKey ? (query.selection.rule == nil ? "f.rule" : nil) : "f.last_failed_at"
        let columns = [leading, "f.destination", "f.key", "f.version"].compactMap { $0 }
        if let cursor {
            let row = cursor.row
            let comparison = query.order == .newest ? "<" : ">"
            let places = columns.map { _ in "?" }.joined(separator: ", ")
            clauses.append("(\(columns.joined(separator: ", "))) \(comparison) (\(places))")
            if leading != nil { arguments += [isByKey ? row.rule : cursor.time] }
            arguments += [row.destination, Data(row.key), row.version]
        }
        let whereClause = clauses.isEmpty ? "" : "WHERE " + clauses.joined(separator: " AND ")
        let direction = query.order == .newest ? " DESC" : ""
        let order = columns.map { $0 + direction }.joined(separator: ", ")
        return ("\(whereClause) ORDER BY \(order)", arguments)
    }

    /// Bodies are up to 1 MiB long, and a reply holds each three times over: bounded by bytes, not by their number alone.
    func quarantined(after id: Int64, limit: Int) throws(StoreFailure) -> QuarantinePage {
        try read { db in
            let maximumBytes = 4 * 1024 * 1024
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT id, queue, message_id, received_at, problem, offset, body
                    FROM quarantine WHERE id > ? ORDER BY id LIMIT ?
                    """, arguments: [id, limit + 1])
            var page = QuarantinePage(entries: [])
            var bytes = 0
            while let row = try rows.next() {
                let body = [UInt8](row[6] as Data)
                bytes += body.count
                if page.entries.count == limit || bytes > maximumBytes, let last = page.entries.last
                {
                    page.nextID = last.id
                    return page
                }
                page.entries.append(
                    QuarantineEntry(
                        id: row[0],
                        message: QuarantinedMessage(
                            queueURL: row[1], messageID: row[2],
                            receivedAt: Timestamp(milliseconds: row[3]), problem: row[4],
                            offset: row[5], body: body)))
            }
            return page
        }
    }
}
