internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import Testing

private let first = AWSCredentials(accessKeyID: "FIRST", secretAccessKey: "s")
private let second = AWSCredentials(accessKeyID: "SECOND", secretAccessKey: "s")
private let down = AWSFailure.credentials("down")
private let minute: Int64 = 60_000

/// Renewed at 0 for an hour.
private func hour(outlivesEnd: Bool = false) -> CredentialLife {
    var life = CredentialLife()
    _ = life.renewed(
        first, lifetime: 60 * minute, outlivesEnd: outlivesEnd, at: 0, jitter: 0)
    return life
}

@Test func `nothing held is fetched first, and a failure is told until the next try`() {
    var life = CredentialLife()
    #expect(life.advice(at: 5) == .renewFirst)
    // jitter 1: the whole second.
    life.failed(down, at: 10, jitter: 1)
    #expect(life.advice(at: 1009) == .fail(down))
    #expect(life.advice(at: 1010) == .renewFirst)
    #expect(life.outcome(at: 10) == .failure(down))
}

@Test(arguments: [
    (Int64(0), CredentialLife.Advice.use(first)), (45 * minute - 1, .use(first)),
    (45 * minute, .useAndRenew(first)), (50 * minute - 1, .useAndRenew(first)),
    (50 * minute, .renewFirst), (60 * minute, .renewFirst), (99 * minute, .renewFirst),
])
func `an hour is renewed beside the use for its last quarter, and first for its last sixth`(
    time: Int64, advice: CredentialLife.Advice
) {
    #expect(hour().advice(at: time) == advice)
    #expect(hour(outlivesEnd: true).advice(at: time) == advice)
}

@Test(arguments: [
    // lifetime, begin of the renewal beside, begin of the renewal first
    (Int64(12) * 60 * minute, Int64(705) * minute, Int64(710) * minute),
    (60 * minute, 45 * minute, 50 * minute), (15 * minute, 675_000, 750_000),
    (4000, 3000, 3334),
])
func `the windows are 15 and 10 minutes, and a quarter and a sixth of a short life`(
    lifetime: Int64, beside: Int64, before: Int64
) {
    var life = CredentialLife()
    _ = life.renewed(first, lifetime: lifetime, outlivesEnd: false, at: 0, jitter: 0)
    #expect(life.advice(at: beside - 1) == .use(first))
    #expect(life.advice(at: beside) == .useAndRenew(first))
    #expect(life.advice(at: before - 1) == .useAndRenew(first))
    #expect(life.advice(at: before) == .renewFirst)
}

@Test func `credentials without an end are never renewed by themselves`() {
    var life = CredentialLife()
    _ = life.renewed(first, lifetime: nil, outlivesEnd: false, at: 0, jitter: 0)
    #expect(life.advice(at: .max - 1) == .use(first))
}

@Test func `while renewals fail, what is held is used to its end and not beyond`() {
    var life = hour()
    life.failed(down, at: 46 * minute, jitter: 0)
    #expect(life.advice(at: 46 * minute) == .use(first))
    #expect(life.advice(at: 46 * minute + 500) == .useAndRenew(first))
    life.failed(down, at: 59 * minute, jitter: 0)
    #expect(life.outcome(at: 59 * minute) == .success(first))
    life.failed(down, at: 60 * minute, jitter: 0)
    #expect(life.outcome(at: 60 * minute) == .failure(down))
    #expect(life.advice(at: 60 * minute) == .fail(down))
}

@Test func `failed tries come after 1 s, doubled up to a minute, half of it by chance`() {
    var life = CredentialLife()
    var pauses: [Int64] = []
    for _ in 0..<9 {
        life.failed(down, at: 0, jitter: 1)
        pauses.append((0...61).first { life.advice(at: $0 * 1000) == .renewFirst } ?? -1)
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    life.failed(down, at: 0, jitter: 0)
    #expect(life.advice(at: 29_999) == .fail(down))
    #expect(life.advice(at: 30_000) == .renewFirst)
}

@Test func `an instance's credentials are used beyond their end while they cannot be renewed`() {
    var life = hour(outlivesEnd: true)
    let isExtended = life.failed(down, at: 55 * minute, jitter: 0.5)
    #expect(isExtended)
    // 15 + 2 + 4 minutes from then; tries go on beside the use, first after 0.75 s.
    #expect(life.advice(at: 55 * minute + 749) == .use(first))
    for time in [55 * minute + 750, 60 * minute, 61 * minute] {
        #expect(life.advice(at: time) == .useAndRenew(first))
    }
    #expect(life.advice(at: 76 * minute) == .renewFirst)
    var day = 76 * minute
    while day < 24 * 60 * minute {
        life.failed(down, at: day, jitter: 0)
        #expect(life.outcome(at: day) == .success(first))
        #expect(life.advice(at: day) == .use(first))
        day += minute
    }
}

@Test func `expired credentials from an instance are used, others are a failure`() {
    var stable = CredentialLife()
    let isExtended = stable.renewed(first, lifetime: -5, outlivesEnd: true, at: 0, jitter: 0)
    #expect(isExtended)
    #expect(stable.advice(at: 0) == .use(first))
    // 17 minutes from then on, of which the last quarter is for renewal.
    #expect(stable.advice(at: 17 * minute * 3 / 4) == .useAndRenew(first))
    var other = CredentialLife()
    _ = other.renewed(first, lifetime: 0, outlivesEnd: false, at: 0, jitter: 0)
    guard case .fail(let failure) = other.advice(at: 0) else {
        Issue.record("\(other.advice(at: 0))")
        return
    }
    #expect("\(failure)".hasPrefix("the new AWS credentials have expired already"))
}

@Test func `what a service refused is renewed first, once`() {
    var life = hour(outlivesEnd: true)
    life.rejected(second, at: 5000)
    #expect(life.advice(at: 5000) == .use(first))
    life.rejected(first, at: 999)
    #expect(life.advice(at: 999) == .use(first), "they are new, and not yet known everywhere")
    life.rejected(first, at: 5000)
    #expect(life.advice(at: 5000) == .renewFirst)
    life.failed(down, at: 5000, jitter: 1)
    #expect(life.advice(at: 5000) == .fail(down), "refused is refused, an instance's too")
    _ = life.renewed(first, lifetime: minute, outlivesEnd: true, at: 7000, jitter: 0)
    #expect(life.advice(at: 7000) == .use(first))
    life.rejected(first, at: 7500)
    #expect(life.advice(at: 7500) == .use(first), "the same again: not asked for in a circle")
    life.rejected(first, at: 8000)
    #expect(life.advice(at: 8000) == .renewFirst)
}

@Test(arguments: [
    (Int64(0), Int64(3_600_000)), (200_000, 3_600_000), (1_200_000, 2_400_000),
    (-1_200_000, 4_800_000),
])
func `a lifetime is counted by the maker's clock where this host's is wrong`(
    skew: Int64, lifetime: Int64
) {
    let now = Int64(1_800_000_000_000)
    var credentials = first
    credentials.expiration = Timestamp(milliseconds: now + 3_600_000)
    let dated = DatedCredentials(
        credentials: credentials, answeredAt: Timestamp(milliseconds: now + skew))
    #expect(dated.lifetime(now: now) == lifetime)
    #expect(DatedCredentials(credentials: credentials).lifetime(now: now) == 3_600_000)
    #expect(DatedCredentials(credentials: first).lifetime(now: now) == nil)
}

@Test func `refused while renewals fail, they are not used on`() {
    var life = hour(outlivesEnd: true)
    life.failed(down, at: 55 * minute, jitter: 1)
    #expect(life.advice(at: 55 * minute) == .use(first))
    life.rejected(first, at: 55 * minute)
    #expect(life.advice(at: 55 * minute) == .fail(down))
    #expect(life.advice(at: 55 * minute + 1000) == .renewFirst)
}
