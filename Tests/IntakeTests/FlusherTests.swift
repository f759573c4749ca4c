import Domain
import FailureStore
import LogRecords
import Logging
import Synchronization
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

@testable import Intake

/// The way from a real log into a real store that refuses what the script says.
struct FlusherTests {
    /// Time goes on only by sleeping: every sleep is over at once.
    final class SleepersClock: ClockReading {
        private let now = Mutex<UInt64>(1_700_000_000_000_000_000)
        private let told: AsyncStream<Void>.Continuation
        /// One for each sleep.
        let sleeps: AsyncStream<Void>

        init() {
            (sleeps, told) = AsyncStream.makeStream()
        }

        func wallMilliseconds() -> Int64 { Int64(monotonicNanoseconds() / 1_000_000) }
        func monotonicNanoseconds() -> UInt64 { now.withLock { $0 } }
        nonisolated(nonsending) func sleep(for duration: Duration) async throws {
            try Task.checkCancellation()
            now.withLock { $0 += UInt64(duration / .nanoseconds(1)) }
            told.yield()
            await Task.yield()
        }

        func advance(by seconds: UInt64) { now.withLock { $0 += seconds * 1_000_000_000 } }
    }

    let directory = TemporaryDirectory()
    let clock = SleepersClock()

    func openStore() throws -> SQLiteFailureStore {
        try SQLiteFailureStore.open(
            path: directory.path + "/failures.db", writer: .blocking("writer"),
            reader: .blocking("reader"))
    }

    func flusher(_ log: SegmentedLog, _ store: ScriptedStore) -> Flusher {
        Flusher(
            log: log, store: store, ballast: ballast, applied: 0, clock: clock,
            executor: .blocking("flusher"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    var ballast: Ballast {
        Ballast(
            directory: directory.path, fileSystem: PosixFileSystem(), bytes: 1 << 20,
            minimumFreeBytes: 0, executor: .blocking("ballast"))
    }

    func payload(_ key: String) -> [UInt8] { LogPayload.event(failureEvent(key: key)).encode() }

    static func has(_ key: String, _ batch: StoreBatch) -> Bool {
        batch.records.contains { _, record in
            if case .event(let event) = record { event.key == ObjectKey(key) } else { false }
        }
    }

    @Test
    func `what cannot be decoded or applied is quarantined with its LSN, and the rest goes on`()
        async throws
    {
        let log = try openLog(in: directory.path)
        let store = ScriptedStore(try openStore()) { batch, _ in
            Self.has("poison", batch) ? .failed("SQLite says 19: constraint") : nil
        }
        var payloads = (1...40).map { payload("k\($0)") }
        payloads[6] = [250, 1, 2, 3]
        payloads[16] = payload("poison")
        payloads[39] = payload("poison")
        let last = try await log.append(payloads)
        #expect(last.value == 40)
        let flusher = flusher(log, store)
        let flushing = Task { try await flusher.run() }
        await store.waitUntilApplied(40)
        await log.close()
        try await flushing.value

        #expect(flusher.appliedLSN == 40 && flusher.problem == nil)
        #expect(try await store.base.mark().appliedLSN == 40)
        let kept = try await store.base.quarantined(after: 0, limit: 10).entries.map(\.message)
        #expect(kept.map(\.messageID) == ["LSN 7", "LSN 17", "LSN 40"])
        #expect(kept.map(\.body) == [[250, 1, 2, 3], payload("poison"), payload("poison")])
        #expect(kept[1].problem == "SQLite says 19: constraint")
        let page = try await store.base.page(FailureQuery(selection: FailureSelection()))
        #expect(page.failures.count == 37)
    }

    @Test func `a store that takes nothing is waited out, and the problem goes with it`()
        async throws
    {
        let log = try openLog(in: directory.path)
        let seen = Mutex<[IntakeProblem?]>([])
        let place = Mutex<Flusher?>(nil)
        let attemptsRefused = 12
        let store = ScriptedStore(try openStore()) { _, attempt in
            seen.withLock { $0.append(place.withLock { $0 }?.problem) }
            return attempt <= attemptsRefused ? .unavailable("SQLite says 13: full") : nil
        }
        let flusher = flusher(log, store)
        place.withLock { $0 = flusher }
        let began = clock.wallMilliseconds()
        _ = try await log.append([payload("a"), payload("b")])
        let flushing = Task { try await flusher.run() }
        await store.waitUntilApplied(2)
        await log.close()
        try await flushing.value

        let problems = seen.withLock { $0 }
        #expect(problems.count == attemptsRefused + 1)
        #expect(problems[0] == nil)
        for problem in problems.dropFirst() {
            #expect(problem?.code == "storeUnavailable")
            #expect(problem?.since == Timestamp(milliseconds: began))
        }
        #expect(flusher.problem == nil)
        place.withLock { $0 = nil }
        let page = try await store.base.page(FailureQuery(selection: FailureSelection()))
        #expect(page.failures.map(\.failure.failureCount) == [1, 1])
    }

    @Test(arguments: [1, 2])
    func `a flusher that is cancelled leaves no record out, in a whole batch or a half`(
        attempt: Int
    ) async throws {
        let log = try openLog(in: directory.path)
        let task = Mutex<Task<Void, any Error>?>(nil)
        let (cancellations, told) = AsyncStream<Void>.makeStream()
        var cancelled = cancellations.makeAsyncIterator()
        // The first attempt is a whole batch; when it fails for a record's sake, the second is its first half.
        // What is asked for after the cancellation would go through.
        let store = ScriptedStore(try openStore()) { _, number in
            guard number == attempt else { return number < attempt ? .failed("a record") : nil }
            task.withLock { $0?.cancel() }
            told.yield()
            return .unavailable("SQLite says 13: full")
        }
        let moreThanOneBatch = 10_001
        let last = try await log.append((1...moreThanOneBatch).map { payload("k\($0)") })
        #expect(last.value == 10_001)
        let flusher = flusher(log, store)
        task.withLock { task in task = Task { try await flusher.run() } }
        await cancelled.next()
        await log.close()
        try await task.withLock { $0 }?.value
        #expect(try await store.base.mark().appliedLSN == 0)
        #expect(flusher.appliedLSN == 0)
    }

    @Test func `a damaged or refusing store ends the flusher with its sentence`() async throws {
        let failures: [StoreFailure] = [.damaged("failures.db: malformed"), .refused("newer")]
        for failure in failures {
            let test = FlusherTests()
            let log = try openLog(in: test.directory.path)
            let store = ScriptedStore(try test.openStore()) { _, _ in failure }
            _ = try await log.append([test.payload("a")])
            await #expect {
                try await test.flusher(log, store).run()
            } throws: { "\($0)" == "\(failure)" }
            #expect(try await store.base.mark().appliedLSN == 0)
            await log.close()
        }
    }
}
