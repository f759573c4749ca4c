import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// The file below the store: settings that durability stands on, checkpoints, damage.
struct StoreFileTests {
    let files = StoreFiles()

    @Test func `every commit is synced, and nothing but the store checkpoints`() async throws {
        let settings = try await files.open().writerSettings()
        let full = 2
        #expect(settings.synchronous == full)
        #expect(settings.automaticCheckpointPages == 0)
    }

    @Test(arguments: [64 * 1024, 1 << 40])
    func `the -wal goes into the database once it passes its limit`(limit: Int64) async throws {
        var options = StoreOptions()
        options.checkpointBytes = limit
        let store = try files.open(options)
        let sizeAtFirst = try files.size()
        var longest = 0
        for number in 0..<60 {
            let events = (0..<50).map { failureEvent(key: "key-\(number)-\($0)", at: Int64($0)) }
            _ = try await store.apply(
                storeBatch(events.map { .event($0) }, from: UInt64(number * 50 + 1)))
            longest = max(longest, try files.size("-wal"))
        }
        if limit < 1 << 30 {
            #expect(try files.size() > sizeAtFirst)
            // One batch may pass the limit before the next checkpoint; it is far shorter than 256 KiB.
            #expect(longest < Int(limit) + 256 * 1024)
        } else {
            #expect(try files.size() == sizeAtFirst)
            #expect(longest > 1 << 20)
        }
        #expect(try await store.everything().count == 3000)
    }

    @Test func `a -wal that was moved is not moved again with every batch`() async throws {
        var options = StoreOptions()
        options.checkpointBytes = 256 * 1024
        let store = try files.open(options)
        var lengths: [Int] = []
        for number in 0..<400 {
            let event = failureEvent(key: "key-\(number)", at: Int64(number))
            _ = try await store.apply(storeBatch([.event(event)], from: UInt64(number + 1)))
            lengths.append(try files.size("-wal"))
        }
        // Each commit is a few pages of 4 KiB: dozens fit before the limit is passed again.
        let passed = lengths.filter { $0 > 256 * 1024 }.count
        #expect(passed > 0 && passed < 40, "\(passed) of \(lengths.count)")
    }

    @Test func `a file that is no database is refused with its name`() throws {
        // SQLite takes less than a page for an empty file; the log then misses its partner.
        for size in [512, 4096, 100_000] {
            let files = StoreFiles()
            let file = try PosixFileSystem().open(files.path, .modifyOrCreate)
            try file.write([UInt8](repeating: 0x5A, count: size).span.bytes, at: 0)
            expectDamaged(files) { _ = try files.open() }
        }
    }

    @Test func `closing leaves everything in the one file`() async throws {
        let store = try files.open()
        _ = try await store.apply(storeBatch([.event(failureEvent())], from: 1))
        _ = try await store.everything()
        try await store.close()
        let names = try PosixFileSystem().names(in: files.directory.path)
        let rest = try names.filter { $0.hasPrefix("failures.db-wal") }.map { _ in
            try files.size("-wal")
        }
        #expect(rest.allSatisfy { $0 == 0 })
        #expect(try files.size() > 4096)
    }

    @Test func `a page that is damaged is told with the file's name, by pages and by batches`()
        async throws
    {
        let store = try files.open()
        let events = (0..<3000).map { failureEvent(key: "key-\($0)", at: Int64($0)) }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        try await store.close()
        let length = try files.size()
        let file = try PosixFileSystem().open(files.path, .modifyOrCreate)
        // The first pages stay, which hold the schema.
        let kept = 32 * 4096
        try file.write([UInt8](repeating: 0x5A, count: length - kept).span.bytes, at: kept)
        let damaged = try files.open()
        await expectDamaged(files) { _ = try await damaged.everything() }
        await expectDamaged(files) {
            for number in 0..<3000 {
                let event = StoreRecord.event(failureEvent(key: "key-\(number)", at: 9_000_000))
                _ = try await damaged.apply(storeBatch([event], from: UInt64(3001 + number)))
            }
        }
    }

    func expectDamaged(_ files: StoreFiles, _ body: () throws -> Void) {
        #expect { try body() } throws: { isDamage($0, files) }
    }

    func expectDamaged(_ files: StoreFiles, _ body: () async throws -> Void) async {
        await #expect { try await body() } throws: { isDamage($0, files) }
    }

    func isDamage(_ error: any Error, _ files: StoreFiles) -> Bool {
        guard case .damaged(let sentence) = error as? StoreFailure else { return false }
        return sentence.contains(files.path)
    }
}
