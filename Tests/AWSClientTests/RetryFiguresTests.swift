internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import Testing

@Test(
    arguments: [
        (AWSErrorKind.transient, 0, 1.0, nil, 0.05), (.transient, 1, 1.0, nil, 0.1),
        (.transient, 2, 0.5, nil, 0.1), (.transient, 8, 1.0, nil, 12.8),
        (.transient, 9, 1.0, nil, 20.0), (.transient, 1000, 1.0, nil, 20.0),
        (.throttling, 0, 1.0, nil, 1.0), (.throttling, 1, 0.25, nil, 0.5),
        (.throttling, 4, 1.0, nil, 16.0), (.throttling, 5, 1.0, nil, 20.0),
        (.throttling, 5, 0.0, nil, 0.0), (.transient, 0, 0.0, 1500, 1.5),
        (.throttling, 1, 1.0, 1500, 2.0), (.throttling, 0, 1.0, 5999, 5.999),
        (.throttling, 0, 1.0, 6001, 6.0), (.transient, 9, 1.0, 99_000, 25.0),
        (.transient, 0, 1.0, -1, 0.05), (.transient, 0, 1.0, Int.max, 5.05),
    ] as [(AWSErrorKind, Int, Double, Int?, Double)])
func
    `the pause is chance times base times 2 to the retry, at most 20 s, the server's hint within 5 s`(
        kind: AWSErrorKind, retry: Int, jitter: Double, hint: Int?, seconds: Double
    )
{
    let pause = RetryQuota.backoff(kind, retry: retry, jitter: jitter, hint: hint)
    #expect(abs(pause - seconds) < 1e-9)
}

@Test func `a retry costs 14, of a throttled call 5, of 500; what helped is given back`() {
    var quota = RetryQuota()
    #expect(RetryQuota.maximumAttempts == 3)
    #expect(quota.tokens == 500)
    #expect(quota.pay(for: .transient) == 14)
    #expect(quota.pay(for: .throttling) == 5)
    #expect(quota.tokens == 481)
    quota.refund(5)
    #expect(quota.tokens == 486)
    quota.refund(nil)
    #expect(quota.tokens == 487)
    for _ in 0..<100 { quota.refund(nil) }
    #expect(quota.tokens == 500)
    for paid in 1...35 { #expect(quota.pay(for: .transient) == 14, "retry \(paid)") }
    #expect(quota.tokens == 10)
    #expect(quota.pay(for: .transient) == nil)
    #expect(quota.pay(for: .throttling) == 5)
    #expect(quota.pay(for: .throttling) == 5)
    #expect(quota.pay(for: .throttling) == nil)
    #expect(quota.tokens == 0)
}

private let start: Int64 = 1_767_225_600_000  // 2026-01-01T00:00:00Z

@Test(
    arguments: [
        // elapsed, Date's seconds behind the start, Age, learned from 0, learned from 300 s
        (Int64(2000), Int64(1), false, Int64(0), Int64(0)), (2000, 301, false, 300_000, 300_000),
        (2000, 121, false, 120_000, 120_000), (2000, -299, false, -300_000, -300_000),
        (960_000, 600, false, 0, 300_000), (900_000, 600, false, 150_000, 150_000),
        (2000, -17_279, true, 0, 300_000), (2000, nil, false, 0, 300_000),
        (20_000, 20, false, 10_000, 10_000),
    ] as [(Int64, Int64?, Bool, Int64, Int64)])
func `the skew is the reply's date less the middle of the exchange, if the date is to be trusted`(
    elapsed: Int64, date: Int64?, isCached: Bool, fresh: Int64, stale: Int64
) {
    var headers: [(name: String, value: String)] = isCached ? [("age", "17280")] : []
    if let date { headers.append(("Date", httpDate(start + date * 1000))) }
    let reply = AWSReply(status: 200, headers: headers)
    var skew = ClockSkew()
    skew.learn(from: reply, sentAt: start, elapsedMilliseconds: elapsed)
    #expect(skew.milliseconds == fresh)
    var old = ClockSkew()
    old.learn(
        from: AWSReply(status: 200, headers: [("date", httpDate(start + 300_000))]),
        sentAt: start, elapsedMilliseconds: 0)
    #expect(old.milliseconds == 300_000)
    old.learn(from: reply, sentAt: start, elapsedMilliseconds: elapsed)
    #expect(old.milliseconds == stale)
}

/// `Thu, 01 Jan 2026 00:00:00 GMT`, for days of December 2025 and January 2026.
private func httpDate(_ milliseconds: Int64) -> String {
    let text = Timestamp(milliseconds: milliseconds).description
    let parts = text.split { "-T.".contains($0) }
    return "Thu, \(parts[2]) \(parts[1] == "12" ? "Dec" : "Jan") \(parts[0]) \(parts[3]) GMT"
}
