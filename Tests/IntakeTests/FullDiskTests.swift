import FailureStore
import LogRecords
import Synchronization
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

@testable import Intake

/// What the flusher does when the store finds no room.
struct FullDiskTests {
    let base = FlusherTests()

    @Test func `a full disk costs the ballast, and the problem stands until there is one again`()
        async throws
    {
        let log = try openLog(in: base.directory.path)
        let seen = Mutex<[IntakeProblem?]>([])
        let place = Mutex<Flusher?>(nil)
        let store = ScriptedStore(try base.openStore()) { _, attempt in
            seen.withLock { $0.append(place.withLock { $0 }?.problem) }
            return attempt <= 3 ? .full("SQLite says 13: full") : nil
        }
        let flusher = base.flusher(log, store)
        place.withLock { $0 = flusher }
        #expect(try await base.ballast.make())
        _ = try await log.append([base.payload("a"), base.payload("b")])
        let flushing = Task { try await flusher.run() }
        await store.waitUntilApplied(2)
        _ = try await log.append([base.payload("c")])
        await store.waitUntilApplied(3)
        await log.close()
        try await flushing.value

        let problems = seen.withLock { $0 }
        #expect(problems.count == 5 && problems[0] == nil)
        #expect(problems[1]?.sentence.contains("was given up for it") == true)
        for problem in problems[2...3] {
            #expect(problem?.sentence.contains("no ballast is left") == true)
        }
        #expect(problems[4]?.sentence.contains("go into the store again") == true)
        #expect(Set(problems.dropFirst().map(\.?.code)) == ["diskFull"])
        #expect(Set(problems.dropFirst().map(\.?.since)).count == 1)
        #expect(flusher.problem?.code == "diskFull")
        #expect(store.checkpoints.withLock { $0 } == 2)
        #expect(try PosixFileSystem().names(in: base.directory.path).contains("ballast") == false)

        let keeping = Task { await flusher.keepBallast() }
        while flusher.problem != nil { await Task.yield() }
        #expect(try PosixFileSystem().names(in: base.directory.path).contains("ballast"))
        keeping.cancel()
        await keeping.value
        place.withLock { $0 = nil }
        #expect(try await store.base.mark().appliedLSN == 3)
    }

    @Test func `a flusher that is cancelled on a full disk leaves no record out`() async throws {
        let log = try openLog(in: base.directory.path)
        let task = Mutex<Task<Void, any Error>?>(nil)
        let store = ScriptedStore(try base.openStore()) { _, attempt in
            if attempt == 3 { task.withLock { $0?.cancel() } }
            return attempt <= 3 ? .full("SQLite says 13: full") : nil
        }
        let flusher = base.flusher(log, store)
        _ = try await log.append([base.payload("a")])
        task.withLock { task in task = Task { try await flusher.run() } }
        try await task.withLock { $0 }?.value
        await log.close()
        #expect(flusher.appliedLSN == 0)
        #expect(try await store.base.mark().appliedLSN == 0)
    }
}
