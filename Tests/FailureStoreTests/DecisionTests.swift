import Domain
import SystemIO
import TestSupport
import Testing

@testable import FailureStore

/// What operators decide on many failures at once.
struct DecisionTests {
    let files = StoreFiles()
    let said = Timestamp(milliseconds: 50_000)
    static let rule = RuleName(sourceBucket: "orders", ruleID: "r1")

    func decision(_ kind: OperatorDecision.Kind = .dismiss) -> OperatorDecision {
        OperatorDecision(kind, note: "known trouble", by: "uid 1000", at: said)
    }

    var ofRule: FailureSelection {
        var selection = FailureSelection()
        selection.rule = Self.rule
        return selection
    }

    /// One failure in each state, under its state's name.
    func storeOfStates() async throws -> SQLiteFailureStore {
        let store = try files.open()
        let reasons: [FailureState: String] = [
            .parked: "SrcObjectNotEligible", .verifying: "SrcKeyNotFound",
        ]
        let events = FailureState.allCases.map {
            failureEvent(key: $0.name, reason: reasons[$0] ?? "DstBucketNotFound")
        }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        func identity(_ state: FailureState) -> FailureIdentity {
            FailureIdentity(failureEvent(key: state.name))
        }
        _ = try await store.heads(
            [
                (identity(.replicated), .completed(at: Timestamp(milliseconds: 2000))),
                (identity(.gone), .absent(at: Timestamp(milliseconds: 2000))),
            ], at: Timestamp(milliseconds: 2000))
        var selection = FailureSelection()
        selection.key = ObjectKey("submitted")
        let run = RemediationRun(
            id: "run", rule: Self.rule, region: "r", selection: selection, priority: 1,
            createdAt: said, createdBy: "uid 0")
        try await store.save(run)
        _ = try await store.selectNext(for: run, limit: 10)
        var dismissed = FailureSelection()
        dismissed.rule = Self.rule
        dismissed.key = ObjectKey("dismissed")
        _ = try await DecisionDesk(store: store).decide(decision(), dismissed)
        let states = try await states(store)
        #expect(states.allSatisfy { $0.key == $0.value.name }, "\(states)")
        return store
    }

    func states(_ store: SQLiteFailureStore) async throws -> [String: FailureState] {
        Dictionary(
            uniqueKeysWithValues: try await store.everything().map {
                ($0.identity.key.text, $0.failure.state)
            })
    }

    @Test func `dismiss closes open, verifying and parked ones, with note, evidence and timeline`()
        async throws
    {
        let store = try await storeOfStates()
        let desk = DecisionDesk(store: store)
        let dry = try await desk.decide(decision(), ofRule, isDryRun: true)
        #expect(
            dry
                == DecisionOutcome(
                    failures: 3, bytes: 30,
                    leftOut: [.submitted: 1, .replicated: 1, .gone: 1, .dismissed: 1], changed: 0))
        #expect(try await states(store)["open"] == .open)
        let outcome = try await desk.decide(decision(), ofRule, expectedCount: 3)
        #expect(outcome.changed == 3 && outcome.failures == 3)
        let after = try await states(store)
        #expect(
            after == [
                "open": .dismissed, "verifying": .dismissed, "parked": .dismissed,
                "dismissed": .dismissed, "submitted": .submitted, "replicated": .replicated,
                "gone": .gone,
            ])
        let open = try #require(
            try await store.everything().first { $0.identity.key.text == "open" })
        #expect(open.failure.evidence == .operator && open.failure.closedAt == said)
        #expect(open.failure.note == "known trouble")
        let told = try await store.timeline(
            bucket: "orders", key: ObjectKey("open"), version: "v1", after: nil, limit: 10)
        let last = try #require(told.entries.last)
        #expect(last.what == "dismissed" && last.by == "uid 1000" && last.at == said)
        #expect(last.note == "known trouble" && last.evidence == .operator)
        #expect(try files.differencesFromRecount() == "")
    }

    @Test func `reopen opens closed and parked ones, and nothing else`() async throws {
        let store = try await storeOfStates()
        let outcome = try await DecisionDesk(store: store).decide(decision(.reopen), ofRule)
        #expect(outcome.changed == 4)
        #expect(outcome.leftOut == [.open: 1, .submitted: 1, .verifying: 1])
        let after = try await states(store)
        for key in ["replicated", "gone", "dismissed", "parked", "open"] {
            #expect(after[key] == .open)
        }
        let told = try await store.timeline(
            bucket: "orders", key: ObjectKey("gone"), version: "v1", after: nil, limit: 10)
        #expect(told.entries.map(\.what) == ["failed", "provedAbsent", "reopened"])
        #expect(told.entries.last?.note == "known trouble")
        #expect(try files.differencesFromRecount() == "")
    }

    @Test func `a dismissal ends with a failure that is newer than it was said`() async throws {
        let store = try await storeOfStates()
        _ = try await DecisionDesk(store: store).decide(decision(), ofRule)
        let late = [
            failureEvent(key: "open", at: said.milliseconds),
            failureEvent(key: "parked", at: said.milliseconds + 1),
        ]
        _ = try await store.apply(storeBatch(late.map { .event($0) }, from: 100))
        let after = try await states(store)
        #expect(after["open"] == .dismissed && after["parked"] == .open)
    }

    @Test func `another count than expected changes nothing, by name`() async throws {
        let store = try await storeOfStates()
        let desk = DecisionDesk(store: store)
        let before = try files.shell(".dump")
        for expected: Int64 in [0, 2, 4, -1] {
            await #expect {
                _ = try await desk.decide(decision(), ofRule, expectedCount: expected)
            } throws: { error in
                guard case .countChanged(let sentence)? = error as? DecisionRefusal else {
                    return false
                }
                return sentence.contains("\(expected)") && sentence.contains("3 match")
            }
        }
        #expect(try files.shell(".dump") == before)
    }

    @Test func `nothing that can be changed is nothing to do, with filters of every kind`()
        async throws
    {
        let store = try await storeOfStates()
        let desk = DecisionDesk(store: store)
        let changes: [(inout FailureSelection) -> Void] = [
            { $0.rule = RuleName(sourceBucket: "orders", ruleID: "r9") }, { $0.bucket = "other" },
            { $0.destination = "other" }, { $0.state = .submitted }, { $0.reason = "other" },
            { $0.reasonClass = .kms }, { $0.operation = "other" },
            { $0.prefix = ObjectKey("other") }, { $0.key = ObjectKey("other") },
            { $0.version = "other" }, { $0.since = Timestamp(milliseconds: 1001) },
            { $0.until = Timestamp(milliseconds: 1000) },
            { $0.firstSince = Timestamp(milliseconds: 1001) },
        ]
        for change in changes {
            var selection = ofRule
            change(&selection)
            await #expect {
                _ = try await desk.decide(decision(), selection)
            } throws: { error in
                if case .nothingToDo? = error as? DecisionRefusal { true } else { false }
            }
            #expect(
                try await desk.decide(decision(), selection, isDryRun: true).failures == 0)
        }
        print("cases \(changes.count) filters")
    }

    @Test func `what comes between the count and the change is left as it is`() async throws {
        let store = try files.open()
        let events = (0..<2500).map { failureEvent(key: "k\($0 + 10_000)", at: 1000) }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        let survey = try await store.survey(decision(), ofRule)
        #expect(survey.failures == 2500 && survey.bytes == 25_000)
        var lsn: UInt64 = 2501
        func log(_ events: ReplicationEvent...) async throws {
            _ = try await store.apply(storeBatch(events.map { .event($0) }, from: lsn))
            lsn += UInt64(events.count)
        }
        // Before the first step: a new failure among those to come, one that fails again, one in another state.
        try await log(
            failureEvent(key: "k10001-new", at: 900), failureEvent(key: "k12000", at: 2000))
        _ = try await store.heads(
            [
                (
                    FailureIdentity(failureEvent(key: "k12001")),
                    .completed(at: Timestamp(milliseconds: 3000))
                )
            ], at: said)
        var (cursor, changed, steps): (String?, Int, Int) = (nil, 0, 0)
        repeat {
            let step = try await store.carryOut(
                decision(), ofRule, counted: survey, after: cursor)
            #expect(step.changed <= 1000)
            changed += step.changed
            steps += 1
            cursor = step.nextCursor
            // Between steps: another one that fails again.
            if steps == 1 { try await log(failureEvent(key: "k12002", at: 2000)) }
            #expect(try files.differencesFromRecount() == "")
        } while cursor != nil
        #expect(changed == 2497 && steps == 3)
        let rest = try await store.everything().filter { $0.failure.state != .dismissed }
        #expect(
            rest.map(\.identity.key.text).sorted() == ["k10001-new", "k12000", "k12001", "k12002"])
        print("cases \(changed) dismissed in \(steps) steps")
    }

    @Test func `filters that match little go over short pages`() async throws {
        var options = StoreOptions()
        options.pageRows = 7
        let store = try files.open(options)
        let events = (0..<100).map {
            failureEvent(key: "k\($0 + 100)", reason: $0 % 25 == 0 ? "Rare" : "Common")
        }
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        var selection = FailureSelection()
        selection.bucket = "orders"
        selection.reason = "Rare"
        let outcome = try await DecisionDesk(store: store).decide(
            decision(), selection, expectedCount: 4)
        #expect(outcome.changed == 4)
    }
}
