import Domain
import FailureStore
import Logging
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Intake

/// Retention, by a clock on which only sleeping takes time.
struct RetentionTests {
    let directory = TemporaryDirectory()
    let clock = FlusherTests.SleepersClock()

    func openStore() throws -> SQLiteFailureStore {
        try SQLiteFailureStore.open(
            path: directory.path + "/failures.db", writer: .blocking("writer"),
            reader: .blocking("reader"))
    }

    func retention(_ store: ScriptedStore) -> Retention {
        Retention(
            store: store, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func `a daemon that gets no messages lets go of what has had its time`() async throws {
        let base = try openStore()
        let closedAt = Timestamp(milliseconds: clock.wallMilliseconds())
        let event = failureEvent(key: "a", at: closedAt.milliseconds - 1000)
        _ = try await base.apply(StoreBatch(records: [(1, .event(event))], at: closedAt))
        _ = try await base.record(
            [
                VerificationResult(
                    identity: FailureIdentity(event), occurrence: .head(.absent(at: closedAt)))
            ], at: closedAt)
        let store = ScriptedStore(base)
        let running = Task { try await retention(store).run() }
        var swept = store.swept.makeAsyncIterator()
        #expect(await swept.next()?.failures == 0)
        clock.advance(by: 91 * 86_400)
        // What was asleep, or in the middle of a sweep, sees the new time in its next round.
        var failures = 0
        while failures == 0, let summary = await swept.next() { failures += summary.failures }
        running.cancel()
        try await running.value
        #expect(failures == 1)
        #expect(
            try await base.page(FailureQuery(selection: FailureSelection())).failures.isEmpty)
    }

    @Test func `sweeps come once a minute, at most ten at a time`() async throws {
        let store = ScriptedStore(try openStore())
        var unfinished = SweepSummary()
        unfinished.isComplete = false
        store.sweepsLeft.withLock { $0 = Array(repeating: .success(unfinished), count: 12) }
        let running = Task { try await retention(store).run() }
        var swept = store.swept.makeAsyncIterator()
        for _ in 0..<20 { _ = await swept.next() }
        running.cancel()
        try await running.value
        let times = store.sweeps.withLock { $0 }
        let moments = Set(times).sorted()
        #expect(times.filter { $0 == moments[0] }.count == 10)
        #expect(times.filter { $0 == moments[1] }.count == 3)
        for (earlier, later) in zip(moments, moments.dropFirst()) {
            #expect(later.milliseconds - earlier.milliseconds == 60_000)
        }
        print("cases \(times.count) sweeps in \(moments.count) minutes")
    }

    @Test func `a store that is busy is asked again, one that is damaged ends it`() async throws {
        let store = ScriptedStore(try openStore())
        store.sweepsLeft.withLock {
            $0 = [
                .failure(.unavailable("full")), .failure(.failed("x")),
                .failure(.damaged("malformed")),
            ]
        }
        await #expect(throws: StoreFailure.damaged("malformed")) {
            try await retention(store).run()
        }
        #expect(store.sweeps.withLock { $0.count } == 3)
    }
}
