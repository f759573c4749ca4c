internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Testing

private let expired = ScriptedExchange.Step.reply(400, body: xmlError("ExpiredToken"))

@Test func `expired credentials are fetched anew once`() async throws {
    let bench = try Bench(
        [expired, .reply(200, body: identity)], credentials: [Bench.first, Bench.second])
    _ = try await STSClient(bench.caller).callerIdentity()
    let keys = bench.exchange.requests.map { $0.header("authorization")?.contains("SECOND") }
    #expect(keys == [false, true])
    #expect(
        bench.exchange.requests.map { $0.header("x-amz-security-token") }
            == ["first-token-hush", nil])
    #expect(bench.clock.slept.isEmpty)
}

@Test func `credentials that stay the same are not tried again`() async throws {
    let bench = try Bench([expired, expired])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await STSClient(bench.caller).callerIdentity()
    }
    #expect(failure?.kind == .credentials)
    #expect(bench.exchange.requests.count == 1)
    #expect(bench.credentials.rejected == 1)
}

@Test func `new credentials that are expired too end the call`() async throws {
    let third = AWSCredentials(accessKeyID: "THIRD", secretAccessKey: "x")
    let bench = try Bench(
        [expired, expired, expired], credentials: [Bench.first, Bench.second, third])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await STSClient(bench.caller).callerIdentity()
    }
    #expect(failure?.code == "ExpiredToken")
    #expect(bench.exchange.requests.count == 2)
}

@Test func `a wrong clock is corrected from the reply's date`() async throws {
    // The manual clock is an hour behind.
    let date = (name: "Date", value: "Fri, 15 Jan 2027 09:00:00 GMT")
    let bench = try Bench([
        .reply(403, headers: [date], body: xmlError("RequestTimeTooSkewed")),
        .reply(200, headers: [date], body: identity), .reply(200, headers: [date], body: identity),
    ])
    _ = try await STSClient(bench.caller).callerIdentity()
    _ = try await STSClient(bench.caller).callerIdentity()
    #expect(
        bench.exchange.requests.map { $0.header("x-amz-date") }
            == ["20270115T080000Z", "20270115T090000Z", "20270115T090000Z"])
}

@Test(arguments: [
    [now], [], [("Age", "3600"), ("Date", "Fri, 15 Jan 2027 09:00:00 GMT")],
    [("Date", "yesterday")],
])
func `a signature error is final when the clock is right or unknown`(
    headers: [(name: String, value: String)]
) async throws {
    let bench = try Bench([
        .reply(403, headers: headers, body: xmlError("SignatureDoesNotMatch"))
    ])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await STSClient(bench.caller).callerIdentity()
    }
    #expect(failure?.code == "SignatureDoesNotMatch")
    #expect(bench.exchange.requests.count == 1)
}

@Test func `a clock that stays refused ends the call`() async throws {
    let dates = ["09", "10", "11"].map { ("Date", "Fri, 15 Jan 2027 \($0):00:00 GMT") }
    let bench = try Bench(
        dates.map { .reply(403, headers: [$0], body: xmlError("RequestTimeTooSkewed")) })
    let failure = await bench.failure { () throws(AWSFailure) in
        try await STSClient(bench.caller).callerIdentity()
    }
    #expect(failure?.code == "RequestTimeTooSkewed")
    #expect(bench.exchange.requests.count == 2)
}

@Test func `no error tells a secret, whatever the service echoes`() async throws {
    let echo = "first-hush and first-token-hush\nThe Canonical String was first-token-hush"
    let scripts: [[ScriptedExchange.Step]] = [
        [.reply(403, headers: [now], body: xmlError("SignatureDoesNotMatch", echo))],
        [.reply(400, body: xmlError("ValidationError", "first-token-hush"))],
        [.reply(200, body: "<first-hush>first-token-hush</first-hush>")],
        [.failure(.notSent("cannot reach h: refused"))],
    ]
    for script in scripts {
        let bench = try Bench(script)
        let failure = await bench.failure { () throws(AWSFailure) in
            try await STSClient(bench.caller).callerIdentity()
        }
        let error = try #require(failure)
        var dumped = ""
        dump(error, to: &dumped)
        for text in ["\(error)", String(reflecting: error), dumped] {
            #expect(!text.contains("token-hush"), "\(text)")
        }
    }
}
