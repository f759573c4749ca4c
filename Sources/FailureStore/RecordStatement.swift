internal import GRDB
internal import GRDBSQLite

/// A statement that runs once for each record of a batch. Its values go to SQLite as they are: GRDB puts each into a box
/// first, and looks around before and behind the step, which together costs as much as SQLite's own work.
struct RecordStatement {
    private enum Value {
        case null
        case integer(Int64)
        case text(Range<Int>)
        case blob(Range<Int>)
    }

    private let statement: Statement
    private let database: Database
    private var values: [Value] = []
    /// Texts and blobs, one behind the other: SQLite reads them here. Never empty, because a null address is NULL, which an
    /// empty text is not.
    private var bytes: [UInt8] = [0]

    /// - Parameter statement: one that answers no rows.
    init(_ statement: Statement, in db: Database) {
        self.statement = statement
        database = db
        values.reserveCapacity(24)
        bytes.reserveCapacity(512)
    }

    // In the order of the statement's parameters.

    mutating func bind(_ value: Int64?) {
        values.append(value.map(Value.integer) ?? .null)
    }

    mutating func bind(_ text: String?) {
        guard let text else { return values.append(.null) }
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        values.append(.text(start..<bytes.count))
    }

    mutating func bind(blob: [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: blob)
        values.append(.blob(start..<bytes.count))
    }

    /// Runs the statement to its end. Returns whether it changed a row.
    func run() throws -> Bool {
        let statement = unsafe statement.sqliteStatement
        let code = unsafe bytes.withUnsafeBytes { buffer in
            defer {
                unsafe sqlite3_reset(statement)
                // SQLite keeps addresses of the buffer until then.
                unsafe sqlite3_clear_bindings(statement)
            }
            for (index, value) in values.enumerated() {
                let code = unsafe bind(value, at: Int32(index + 1), of: statement, in: buffer)
                if code != SQLITE_OK { return code }
            }
            return unsafe sqlite3_step(statement)
        }
        guard code == SQLITE_DONE else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code), message: database.lastErrorMessage)
        }
        return database.changesCount > 0
    }

    private func bind(
        _ value: Value, at position: Int32, of statement: OpaquePointer,
        in buffer: UnsafeRawBufferPointer
    ) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(statement, position)
        case .integer(let integer): return unsafe sqlite3_bind_int64(statement, position, integer)
        case .text(let range):
            let text = unsafe buffer[range]
            return unsafe sqlite3_bind_text64(
                statement, position,
                UnsafeRawBufferPointer(rebasing: text).baseAddress?.assumingMemoryBound(
                    to: CChar.self), UInt64(range.count), nil, UInt8(SQLITE_UTF8))
        case .blob(let range):
            let blob = unsafe buffer[range]
            return unsafe sqlite3_bind_blob64(
                statement, position, UnsafeRawBufferPointer(rebasing: blob).baseAddress,
                UInt64(range.count), nil)
        }
    }
}
