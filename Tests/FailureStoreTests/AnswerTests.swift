import Domain
import TestSupport
import Testing

@testable import FailureStore

/// What was answered to requests with an Idempotency-Key.
struct AnswerTests {
    let files = StoreFiles()
    static let start = Timestamp(milliseconds: 1_700_000_000_000)

    func request(_ key: String, uid: UInt32 = 7, after milliseconds: Int64 = 0) -> KeyedRequest {
        KeyedRequest(
            uid: uid, key: key, digest: Array(key.utf8),
            at: Self.start.advanced(byMilliseconds: milliseconds))
    }

    func reply(_ text: String) -> KeptAnswer.Reply {
        .init(status: 200, contentType: "application/json", body: Array(text.utf8))
    }

    func run(_ id: String) -> RemediationRun {
        RemediationRun(
            id: id, rule: RuleName(sourceBucket: "b", ruleID: "r"), region: "eu-west-1",
            selection: FailureSelection(), priority: 1, createdAt: Self.start, createdBy: "uid 7")
    }

    @Test func `an answer is kept for its uid and key, also through a restart`() async throws {
        let store = try files.open()
        #expect(try await store.answer(to: request("k")) == nil)
        try await store.keep(reply("one"), to: request("k"))
        try await store.keep(reply("two"), to: request("k", uid: 8))
        try await store.close()
        let again = try files.open()
        let kept = try await again.answer(to: request("k", after: 1000))
        #expect(kept == KeptAnswer(digest: Array("k".utf8), reply: reply("one")))
        #expect(try await again.answer(to: request("k", uid: 8))?.reply == reply("two"))
        #expect(try await again.answer(to: request("K")) == nil)
    }

    @Test func `a run and that it is an answer are one transaction, the reply comes later`()
        async throws
    {
        let store = try files.open()
        try await store.begin(run("run-1"), for: request("k"))
        #expect(try await store.remediation("run-1")?.run.id == "run-1")
        var expected = KeptAnswer(digest: Array("k".utf8), remediationID: "run-1", reply: nil)
        #expect(try await store.answer(to: request("k")) == expected)
        try await store.keep(reply("{}"), to: request("k"))
        expected.reply = reply("{}")
        #expect(try await store.answer(to: request("k")) == expected)
        await #expect(throws: StoreFailure.self) {
            try await store.begin(run("run-2"), for: request("k"))
        }
        #expect(try await store.remediation("run-2") == nil)
        try await store.begin(run("run-3"), for: nil)
        #expect(try await store.remediation("run-3") != nil)
    }

    @Test func `after 24 hours a key is free, and what it was answered is gone`() async throws {
        let store = try files.open()
        let day = KeyedRequest.lifetime
        try await store.begin(run("run-1"), for: request("k"))
        #expect(try await store.answer(to: request("k", after: day)) != nil)
        #expect(try await store.answer(to: request("k", after: day + 1)) == nil)
        try await store.begin(run("run-2"), for: request("k", after: day + 1))
        let kept = try await store.answer(to: request("k", after: day + 2))
        #expect(kept?.remediationID == "run-2")
        #expect(try files.shell("SELECT count(*) FROM answer") == "1\n")
    }

    @Test func `at most ten thousand are kept, the oldest go`() async throws {
        let store = try files.open()
        try await store.keep(reply("first"), to: request("first"))
        _ = try files.shell(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9998)
            INSERT INTO answer (uid, key, request, at, status, type, body)
            SELECT 7, 'n' || i, x'00', \(Self.start.milliseconds), 200, 't', x'' FROM n
            """)
        try await store.keep(reply("10000"), to: request("last"))
        #expect(try await store.answer(to: request("first")) != nil)
        try await store.keep(reply("10001"), to: request("one more"))
        #expect(try await store.answer(to: request("first")) == nil)
        #expect(try await store.answer(to: request("n1")) != nil)
        #expect(try files.shell("SELECT count(*) FROM answer") == "10000\n")
    }

    @Test func `an answer that is too long is not kept, its run is`() async throws {
        let store = try files.open()
        let longest = String(repeating: "x", count: SQLiteFailureStore.longestAnswer)
        try await store.keep(reply(longest), to: request("fits"))
        #expect(try await store.answer(to: request("fits"))?.reply?.body.count == 16_384)
        try await store.keep(reply(longest + "x"), to: request("long"))
        #expect(try await store.answer(to: request("long")) == nil)
        try await store.begin(run("run-1"), for: request("run"))
        try await store.keep(reply(longest + "x"), to: request("run"))
        let kept = try await store.answer(to: request("run"))
        #expect(kept?.remediationID == "run-1" && kept?.reply == nil)
    }
}
