internal import Foundation
internal import GRDB
package import SystemIO

/// The failure store in one SQLite file.
///
/// This actor is the only one that writes or checkpoints, on an executor of its own that may block: SQLite's
/// WAL-reset defect (fixed in 3.51.3) needs two connections that do. Questions go to `StoreReader`, on another one.
package actor SQLiteFailureStore {
    let pool: DatabasePool
    let names = NameTable()
    let reader: StoreReader
    private let executor: QueueExecutor
    private let path: String
    private(set) var options: StoreOptions

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    private init(
        pool: DatabasePool, path: String, writer: QueueExecutor, reader: QueueExecutor,
        options: StoreOptions
    ) {
        self.pool = pool
        self.path = path
        self.options = options
        executor = writer
        self.reader = StoreReader(
            pool: pool, path: path, options: options, executor: reader)
    }

    /// Opens the store at `path`, makes it when it is missing, and migrates an older schema forwards. Refuses one
    /// that is newer than the program, damaged, or that does not sync every commit. Blocks.
    package static func open(
        path: String, writer: QueueExecutor, reader: QueueExecutor,
        options: StoreOptions = StoreOptions()
    ) throws(StoreFailure) -> SQLiteFailureStore {
        try translating(path) {
            var configuration = Configuration()
            configuration.busyMode = .timeout(5)
            configuration.maximumReaderCount = 2
            let pool = try DatabasePool(path: path, configuration: configuration)
            try refuseNewer(pool, path)
            try syncEveryCommit(pool, path)
            try keepCheckpointsToTheWriter(pool, options)
            try Schema.migrate(pool)
            try NameTable.refreshClasses(pool)
            return SQLiteFailureStore(
                pool: pool, path: path, writer: writer, reader: reader, options: options)
        }
    }

    /// Writes a copy of the store at `source` to `target`, where nothing may be yet, through a connection that only
    /// reads. The copy is not synced.
    package static func copy(_ source: String, to target: String) throws(StoreFailure) {
        try translating(source) {
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: source, configuration: configuration)
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM INTO ?", arguments: [target])
            }
            try queue.close()
        }
    }

    private static func refuseNewer(_ pool: DatabasePool, _ path: String) throws {
        let version = try pool.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard version <= Schema.version else {
            throw StoreFailure.refused(
                "\(path) has schema version \(version), this program knows \(Schema.version): "
                    + "install the s3remedyd that wrote it, or a newer one")
        }
    }

    /// Deleting log segments depends on every commit being on disk. GRDB sets NORMAL when it opens a pool, so FULL
    /// comes afterwards, and is read back.
    private static func syncEveryCommit(_ pool: DatabasePool, _ path: String) throws {
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            let full = 2
            guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == full else {
                throw StoreFailure.refused(
                    "\(path): PRAGMA synchronous is not FULL after setting it")
            }
        }
    }

    /// A -wal that was moved keeps its length, and would look long for ever; with a limit the first commit after
    /// that cuts it.
    private static func keepCheckpointsToTheWriter(
        _ pool: DatabasePool, _ options: StoreOptions
    ) throws {
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try db.execute(sql: "PRAGMA cache_size = -\(options.writerCacheBytes / 1024)")
            try db.execute(sql: "PRAGMA journal_size_limit = \(options.checkpointBytes)")
        }
    }

    /// Other retention from now on, as in `StoreOptions`.
    package func keep(
        closed closedRetention: Int64, quarantine quarantineRetention: Int64,
        quarantineMaxBytes: Int64
    ) {
        options.closedRetention = closedRetention
        options.quarantineRetention = quarantineRetention
        options.quarantineMaxBytes = quarantineMaxBytes
    }

    /// What `PRAGMA synchronous` (2 is FULL) and `PRAGMA wal_autocheckpoint` say on the writing connection.
    package func writerSettings() throws(StoreFailure)
        -> (synchronous: Int, automaticCheckpointPages: Int)
    {
        try translating(path) {
            try pool.writeWithoutTransaction { db in
                (
                    try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1,
                    try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint") ?? -1
                )
            }
        }
    }

    /// One transaction on the writing connection.
    func write<Value>(_ body: (Database) throws -> Value) throws(StoreFailure) -> Value {
        try checkpointIfLong()
        do {
            return try translating(path) {
                try pool.write { db in try body(db) }
            }
        } catch {
            names.forget()
            throw error
        }
    }

    /// Moves what the -wal holds into the database once it is longer than the limit. Before each transaction, a
    /// remediation's too, by the writer alone; readers that hold it back only delay it.
    private func checkpointIfLong() throws(StoreFailure) {
        guard fileSize(path + "-wal") > options.checkpointBytes else { return }
        try translating(path) {
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
        }
    }

    /// A reader may hold it back; then the -wal keeps its length.
    package func checkpoint() throws(StoreFailure) {
        try translating(path) {
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        }
    }

    /// Moves the -wal into the database and closes the connections. The writer does it here: the connection that
    /// closes last is a reader's, and SQLite then leaves the -wal where it is.
    package func close() throws(StoreFailure) {
        try translating(path) {
            let moved = Result {
                try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            }
            try pool.close()
            try moved.get()
        }
    }
}

/// Runs SQLite work and sorts its errors: full, transient, damaged, our own.
func translating<Value>(
    _ path: String, _ body: () throws -> Value
) throws(StoreFailure) -> Value {
    do {
        return try body()
    } catch let failure as StoreFailure {
        throw failure
    } catch let error as DatabaseError {
        let sentence =
            "\(path): SQLite says \(error.resultCode): \(error.message ?? "nothing more")"
        switch error.resultCode {
        case .SQLITE_FULL: throw .full(sentence)
        case .SQLITE_IOERR where isDiskFull(path), .SQLITE_CANTOPEN where isDiskFull(path):
            throw .full(sentence)
        case .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_NOMEM, .SQLITE_CANTOPEN,
            .SQLITE_READONLY, .SQLITE_LOCKED:
            throw .unavailable(sentence)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: throw .damaged(sentence)
        default: throw .failed(sentence)
        }
    } catch {
        throw .failed("\(path): \(error)")
    }
}

/// SQLite says FULL only when a write to the database or the -wal finds no room. A sync, the -shm or a new file that
/// finds none is IOERR or CANTOPEN, as is a quota (os_unix.c, `unixWrite` and `unixShmMap`): then the disk is asked.
private func isDiskFull(_ path: String) -> Bool {
    let directory = (path as NSString).deletingLastPathComponent
    let leastOfUse = 1 << 20
    let available = try? PosixFileSystem().availableBytes(at: directory)
    return available.map { $0 < leastOfUse } ?? false
}

func fileSize(_ path: String) -> Int64 {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
}
