import Domain
import FailureStore
import SystemIO
import TestSupport
import Testing

/// Random histories: redelivery, replay, reordering, remediations, heads.
struct RandomHistoryTests {
    /// Makes records and what else happens, from a seed.
    struct History {
        var random: SeededGenerator
        /// Everything that was ever logged: the record at index 0 has LSN 1.
        var log: [StoreRecord] = []

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
        }

        static let reasons = [
            "DstBucketNotFound", "SrcKeyNotFound", "SrcObjectNotEligible", "DstKmsKeyNotFound",
            "SrcReplicationNotPending", "New",
        ]

        mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

        /// A new record, or an old one that comes again under a new LSN.
        mutating func record() -> StoreRecord {
            if !log.isEmpty, below(5) == 0 { return log[below(log.count)] }
            switch below(20) {
            case 0:
                return .quarantined(
                    QuarantinedMessage(
                        queueURL: "q", messageID: "m\(below(300))",
                        receivedAt: Timestamp(milliseconds: 1), problem: "p", offset: 0,
                        body: [UInt8](repeating: 1, count: below(100))))
            case 1: return .poisoned(payload: [9], problem: "version 7")
            case 2, 3: return .event(event(ReplicationEvent.Name.allCases[1 + below(3)]))
            default: return .event(event(.operationFailed))
            }
        }

        mutating func event(
            _ name: ReplicationEvent.Name, request: String? = nil
        ) -> ReplicationEvent {
            failureEvent(
                rule: "r\(below(3))", destination: "d\(below(2))", key: "k\(below(60))",
                at: Int64(below(100) * 3_600_000 + below(4)), request: request ?? "R\(below(3))",
                reason: Self.reasons[below(Self.reasons.count)],
                size: below(10) == 0 ? nil : Int64(below(1000)), name: name)
        }

        /// The next batch: it may reach back over what was applied before.
        mutating func batch() -> StoreBatch {
            let overlap = below(4) == 0 ? below(min(log.count, 30) + 1) : 0
            for _ in 0..<1 + below(20) { log.append(record()) }
            let first = max(0, log.count - overlap - 20)
            return storeBatch(Array(log[first...]), from: UInt64(first + 1))
        }
    }

    let files = StoreFiles()

    @Test func `counters and hourly buckets equal a recount all along a random history`()
        async throws
    {
        var options = StoreOptions()
        options.closedRetention = 0
        options.quarantineMaxBytes = 2000
        let store = try files.open(options)
        var history = History(seed: 20_261_124)
        var (steps, others, recounts) = (0, 0, 0)
        while steps < 12_000 {
            let before = history.log.count
            let batch = history.batch()
            steps += history.log.count - before
            // A batch that begins after a gap would be refused by the log, not by the store: here all are handed.
            let applied = try await store.mark().appliedLSN
            #expect(batch.records[0].lsn <= applied + 1)
            #expect(try await store.apply(batch).appliedLSN == UInt64(history.log.count))
            if history.below(4) == 0 { try await somethingElse(store, &history, others) }
            others += 1
            guard others % 100 == 0 else { continue }
            #expect(try files.differencesFromRecount() == "", "after \(steps) records")
            recounts += 1
        }
        #expect(try files.differencesFromRecount() == "")
        let states = Set(try await store.everything().map(\.failure.state))
        #expect(
            states.isSuperset(of: FailureState.allCases))
        print("seed 20261124, steps \(steps), recounts \(recounts + 1), states \(states.count)")
    }

    func somethingElse(
        _ store: SQLiteFailureStore, _ history: inout History, _ number: Int
    ) async throws {
        let time = Timestamp(milliseconds: Int64(history.below(110) * 3_600_000))
        switch history.below(6) {
        case 4, 5: try await decide(store, &history, at: time)
        case 0:
            // Closed failures are those of the evidence's time, here within the first 110 hours.
            let days30: Int64 = 30 * 86_400_000
            _ = try await store.sweep(at: time.advanced(byMilliseconds: days30))
        case 1:
            let run = RemediationRun(
                id: "run-\(number)",
                rule: RuleName(sourceBucket: "orders", ruleID: "r\(history.below(3))"),
                region: "eu-west-1", selection: FailureSelection(), priority: 1, createdAt: time,
                createdBy: "uid 0")
            try await store.save(run)
            _ = try await store.selectNext(for: run, limit: 1 + history.below(40))
            let task = TaskOutcome(
                jobID: "j", status: "failed", httpStatus: 403, code: "AccessDenied", message: nil,
                at: time)
            let outcomes: [FailureOccurrence] = [
                .leftOut, .reportMissing, .rowSucceeded(task), .rowFailed(task, .ineligible),
                .rowFailed(task, .fix),
            ]
            _ = try await store.settle(
                run.id, .submitted, outcomes[history.below(outcomes.count)],
                succeededIn: nil, after: nil,
                limit: 1 + history.below(30), at: time)
        default:
            let found = try await store.everything()
            guard !found.isEmpty else { return }
            let findings: [HeadFinding] = [
                .noStatus, .failedOurs, .archived, .completed(at: time), .absent(at: time),
            ]
            let picked = (0..<10).map { _ in
                (found[history.below(found.count)].identity, findings[history.below(5)])
            }
            _ = try await store.heads(picked, at: time)
        }
    }

    func decide(
        _ store: SQLiteFailureStore, _ history: inout History, at time: Timestamp
    ) async throws {
        var selection = FailureSelection()
        selection.rule = RuleName(sourceBucket: "orders", ruleID: "r\(history.below(3))")
        if history.below(2) == 0 { selection.destination = "d\(history.below(2))" }
        if history.below(2) == 0 { selection.prefix = ObjectKey("k\(history.below(10))") }
        if history.below(3) == 0 {
            selection.state = FailureState.allCases[history.below(FailureState.allCases.count)]
        }
        let decision = OperatorDecision(
            history.below(2) == 0 ? .dismiss : .reopen, note: nil, by: "uid 0", at: time)
        do {
            _ = try await DecisionDesk(store: store).decide(decision, selection)
        } catch .nothingToDo {
            // As good as any other step of a history.
        }
    }

    @Test func `replays in overlapping batches, with restarts between, end in the very same file`()
        async throws
    {
        var history = History(seed: 7)
        for _ in 0..<2000 { history.log.append(history.record()) }
        let plain = try files.open()
        _ = try await plain.apply(storeBatch(history.log, from: 1))
        try await plain.close()

        let again = StoreFiles()
        var store = try again.open()
        var (applied, batches, restarts) = (0, 0, 0)
        while applied < history.log.count {
            let first = max(0, applied - history.below(60))
            let last = min(history.log.count, applied + 1 + history.below(40))
            let batch = storeBatch(Array(history.log[first..<last]), from: UInt64(first + 1))
            let summary = try await store.apply(batch)
            #expect(summary.appliedLSN == UInt64(last))
            applied = last
            batches += 1
            guard batches % 10 == 0 else { continue }
            try await store.close()
            store = try again.open()
            restarts += 1
        }
        try await store.close()
        #expect(try again.shell(".dump") == files.shell(".dump"))
        print("cases \(batches) batches, \(restarts) restarts")
    }

    @Test func `any order of failure events ends in the same state`() async throws {
        var history = History(seed: 11)
        // A request ID is one event's alone; 200 events are delivered twice.
        var events = (0..<1300).map { number in
            StoreRecord.event(history.event(.operationFailed, request: "R\(number)"))
        }
        events += events.prefix(200)
        var states: Set<Set<Comparable>> = []
        let orders = 8
        for _ in 0..<orders {
            let files = StoreFiles()
            let store = try files.open()
            for (number, chunk) in chunks(events.shuffled(using: &history.random)).enumerated() {
                _ = try await store.apply(storeBatch(chunk, from: UInt64(number * 100 + 1)))
            }
            states.insert(Set(try await store.everything().map(Comparable.init)))
            #expect(try files.differencesFromRecount() == "")
        }
        #expect(states.count == 1)
        #expect(states.first?.count ?? 0 > 300)
        print("cases \(orders) orders of \(events.count) events")
    }

    func chunks(_ records: [StoreRecord]) -> [[StoreRecord]] {
        stride(from: 0, to: records.count, by: 100).map {
            Array(records[$0..<min($0 + 100, records.count)])
        }
    }

    /// A failure without what may differ by promise 2.
    struct Comparable: Hashable {
        let identity: FailureIdentity
        let failure: Failure

        init(_ stored: StoredFailure) {
            identity = stored.identity
            var failure = stored.failure
            failure.failureCount = 0
            self.failure = failure
        }
    }
}
