internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Testing

@Test func `a transient error is sent three times, with growing pauses`() async throws {
    let bench = try Bench([
        .reply(503), .failure(.noReply("cut")), .reply(500, body: xmlError("InternalError")),
        .reply(200, body: identity),
    ])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await STSClient(bench.caller).callerIdentity()
    }
    #expect(failure?.code == "InternalError")
    #expect(bench.exchange.requests.count == 3)
    #expect(bench.clock.slept == [.milliseconds(50), .milliseconds(100)])
}

@Test func `a throttled call waits longer and goes through`() async throws {
    let bench = try Bench([
        .reply(400, body: xmlError("Throttling")), .reply(429), .reply(200, body: identity),
    ])
    let caller = try await STSClient(bench.caller).callerIdentity()
    #expect(caller.account == "111122223333")
    #expect(bench.clock.slept == [.seconds(1), .seconds(2)])
}

@Test(arguments: [("100", 1000), ("3000", 3000), ("999999", 6000), ("-5", 1000), ("x", 1000)])
func `the server's hint moves the pause by at most five seconds`(hint: String, milliseconds: Int)
    async throws
{
    let bench = try Bench([
        .reply(503, headers: [("X-Amz-Retry-After", hint)], body: xmlError("SlowDown")),
        .reply(200, body: identity),
    ])
    _ = try await STSClient(bench.caller).callerIdentity()
    #expect(bench.clock.slept == [.milliseconds(milliseconds)])
}

@Test(arguments: [
    ScriptedExchange.Step.reply(403, body: xmlError("AccessDenied")),
    .reply(404, body: xmlError("NoSuchBucket")), .reply(301, body: xmlError("PermanentRedirect")),
    .failure(.replyTooLarge("h sent too much")), .failure(.cancelled), .reply(200, body: "<x/>"),
])
func `what will not go away is sent once`(step: ScriptedExchange.Step) async throws {
    let bench = try Bench([step])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await STSClient(bench.caller).callerIdentity()
    }
    #expect(failure?.kind == .permanent)
    #expect(bench.exchange.requests.count == 1)
    #expect(bench.clock.slept.isEmpty)
}

@Test func `while a service is down the quota ends the retries, and successes fill it again`()
    async throws
{
    // 500 tokens pay 35 retries of 14: 17 calls with two, one with one.
    let calls = 20
    let down = [ScriptedExchange.Step](repeating: .reply(503), count: 35 + calls)
    let up = [ScriptedExchange.Step](repeating: .reply(200, body: identity), count: 4)
    let again: [ScriptedExchange.Step] = [.reply(503), .reply(200, body: identity)]
    let bench = try Bench(down + up + again)
    let client = STSClient(bench.caller)
    for _ in 0..<calls {
        let failure = await bench.failure { () throws(AWSFailure) in
            try await client.callerIdentity()
        }
        #expect(failure?.kind == .transient)
    }
    #expect(bench.exchange.requests.count == 35 + calls)
    // 10 tokens were left; four clean successes make them 14.
    for _ in 0..<5 { _ = try await client.callerIdentity() }
    #expect(bench.exchange.unusedSteps == 0)
}

@Test func `a long poll waits even when no retry is left`() async throws {
    let bench = try Bench([ScriptedExchange.Step](repeating: .reply(503), count: 100))
    let client = SQSClient(bench.caller, queueURL: "http://127.0.0.1:1/q")
    for _ in 0..<20 {
        let failure = await bench.failure { () throws(AWSFailure) in
            try await client.receive(
                maximumMessages: 10, waitSeconds: 20, visibilityTimeoutSeconds: nil)
        }
        #expect(failure?.kind == .transient)
    }
    #expect(bench.exchange.requests.count == 55)
    // 35 before retries, and one for each of the three calls that could not pay one.
    #expect(bench.clock.slept.count == 38)
    #expect(bench.exchange.requests.allSatisfy { $0.deadline == .seconds(25) })
}

@Test func `a cancelled task does not wait for its retry`() async throws {
    let task = Task {
        let bench = try Bench([.reply(503), .reply(200, body: identity)])
        withUnsafeCurrentTask { $0?.cancel() }
        return await bench.failure { () throws(AWSFailure) in
            try await STSClient(bench.caller).callerIdentity()
        }
    }
    #expect(try await task.value?.isCancellation == true)
}
