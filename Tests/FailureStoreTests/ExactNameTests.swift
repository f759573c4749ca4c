import Domain
import FailureStore
import TestSupport
import Testing

/// Names that Swift's strings call equal and S3 does not: one in NFC, one in NFD.
struct ExactNameTests {
    static let composed = "caf\u{e9}"
    static let decomposed = "cafe\u{301}"
    let files = StoreFiles()

    @Test func `a reason that an older program knew otherwise has this program's class`()
        async throws
    {
        let first = try files.open()
        _ = try await first.apply(storeBatch([.event(failureEvent())], from: 1))
        try await first.close()
        _ = try files.shell("UPDATE reason SET class = 'unknown'")
        let store = try files.open()
        var selection = FailureSelection()
        selection.reasonClass = .fix
        let found = try await store.page(FailureQuery(selection: selection)).failures
        #expect(found.map(\.failure.reason) == ["DstBucketNotFound"])
    }

    @Test(arguments: ["rule", "destination", "version", "reason"])
    func `two names that differ only in normalisation are two`(part: String) async throws {
        #expect(Self.composed == Self.decomposed)
        let store = try files.open()
        let events = [Self.composed, Self.decomposed].map { name in
            failureEvent(
                rule: part == "rule" ? name : "r1",
                destination: part == "destination" ? name : "backup",
                key: part == "reason" ? "key of \(name)" : "a",
                version: part == "version" ? name : "v1",
                reason: part == "reason" ? name : "DstBucketNotFound")
        }
        // In one batch, and again: the names' numbers come from the cache as well as from the tables.
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 1))
        _ = try await store.apply(storeBatch(events.map { .event($0) }, from: 3))
        let found = try await store.everything()
        #expect(found.count == 2)
        #expect(Set(found.map(\.identity)).count == 2)
        let told = found.map { stored in
            switch part {
            case "rule": stored.identity.rule.ruleID
            case "destination": stored.identity.destinationBucket
            case "version": stored.identity.versionID
            default: stored.failure.reason
            }
        }
        #expect(
            Set(told.map { Array($0.utf8) })
                == [Array(Self.composed.utf8), Array(Self.decomposed.utf8)])
        if part == "rule" {
            #expect(try await store.rules(nil).map { $0.counts[.open] } == [1, 1])
            #expect(try await store.rules(found[0].identity.rule).count == 1)
        }
        // What is said of one is not said of the other.
        let at = Timestamp(milliseconds: 9000)
        _ = try await store.heads([(found[0].identity, .failedOurs)], at: at)
        let desk = DecisionDesk(store: store)
        var selection = FailureSelection()
        selection.rule = found[0].identity.rule
        selection.destination = found[0].identity.destinationBucket
        selection.version = found[0].identity.versionID
        selection.reason = found[0].failure.reason
        let outcome = try await desk.decide(
            OperatorDecision(.dismiss, note: nil, by: "uid 0", at: at), selection)
        #expect(outcome.failures == 1 && outcome.changed == 1)
        #expect(
            try await store.everything().map(\.failure.state).filter { $0 == .dismissed }.count == 1
        )
        #expect(try files.differencesFromRecount() == "")
    }
}
