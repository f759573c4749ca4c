internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import Synchronization
internal import SystemIO
internal import Testing

/// Hands out what it is told to, when it is told to, and counts.
private final class GatedFetcher: CredentialFetching {
    private struct State {
        var fetches = 0
        var result: Result<FetchedCredentials, AWSFailure> = .failure(.credentials("nothing set"))
        var isOpen = true
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// An element for each fetch that begins.
    let began: AsyncStream<Int>
    private let beginning: AsyncStream<Int>.Continuation

    init() { (began, beginning) = AsyncStream.makeStream() }

    var fetches: Int { state.withLock { $0.fetches } }

    func answer(_ result: Result<FetchedCredentials, AWSFailure>) {
        state.withLock { $0.result = result }
    }

    func close() { state.withLock { $0.isOpen = false } }

    func open() {
        let held = state.withLock { state in
            state.isOpen = true
            defer { state.held = [] }
            return state.held
        }
        for one in held { one.resume() }
    }

    nonisolated(nonsending) func fetch() async throws(AWSFailure) -> FetchedCredentials {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.fetches += 1
                if !state.isOpen { state.held.append(continuation) }
                return state.isOpen
            }
            beginning.yield(fetches)
            if isOpen { continuation.resume() }
        }
        return try state.withLock { $0.result }.get()
    }
}

private struct Keeper {
    let fetcher = GatedFetcher()
    let clock = ManualClock()
    let credentials: SharedCredentials
    let events: AsyncStream<CredentialEvent>

    init() {
        let (events, sender) = AsyncStream<CredentialEvent>.makeStream()
        self.events = events
        credentials = SharedCredentials(
            fetcher: fetcher, clock: clock, random: SeededRandom(seed: 1),
            executor: QueueExecutor.blocking("credentials"), report: { sender.yield($0) })
    }

    func answer(_ key: String, seconds: Int64?, outlives: Bool = false) {
        let expiration = seconds.map {
            Timestamp(milliseconds: clock.wallMilliseconds() + $0 * 1000)
        }
        let credentials = AWSCredentials(
            accessKeyID: key, secretAccessKey: "hush", sessionToken: "token-hush",
            expiration: expiration)
        fetcher.answer(
            .success(
                FetchedCredentials(
                    dated: DatedCredentials(credentials: credentials),
                    outlivesExpiration: outlives, place: "a test")))
    }

    func key() async throws -> String { try await credentials.credentials().accessKeyID }
}

@Test func `a thousand concurrent callers are one fetch`() async throws {
    let keeper = Keeper()
    keeper.answer("ONE", seconds: 3600)
    keeper.fetcher.close()
    let callers = 1000
    let (arrived, arriving) = AsyncStream<Void>.makeStream()
    let keys = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<callers {
            group.addTask {
                arriving.yield()
                return try await keeper.key()
            }
        }
        var arrivals = arrived.makeAsyncIterator()
        for _ in 0..<callers { await arrivals.next() }
        keeper.fetcher.open()
        return try await group.reduce(into: [String]()) { $0.append($1) }
    }
    #expect(keys == [String](repeating: "ONE", count: callers))
    #expect(keeper.fetcher.fetches == 1)
    print("callers \(callers), fetches \(keeper.fetcher.fetches)")
}

@Test func `in the window callers go on at once while one fetch runs beside them`() async throws {
    let keeper = Keeper()
    keeper.answer("ONE", seconds: 3600)
    #expect(try await keeper.key() == "ONE")
    try await keeper.clock.sleep(for: .seconds(46 * 60))
    keeper.answer("TWO", seconds: 3600)
    keeper.fetcher.close()
    for _ in 0..<100 { #expect(try await keeper.key() == "ONE") }
    keeper.fetcher.open()
    var events = keeper.events.makeAsyncIterator()
    for _ in 0..<2 { _ = await events.next() }
    #expect(try await keeper.key() == "TWO")
    #expect(keeper.fetcher.fetches == 2)
}

@Test func `an outage of the metadata service is bridged, and over by itself`() async throws {
    let keeper = Keeper()
    keeper.answer("ONE", seconds: 3600, outlives: true)
    #expect(try await keeper.key() == "ONE")
    keeper.fetcher.answer(.failure(.credentials("no answer from 169.254.169.254")))
    var events = keeper.events.makeAsyncIterator()
    _ = await events.next()
    // Three hours, minute by minute; the credentials' own end is after the first. From 45 minutes on each call finds a
    // renewal due, which reports when it ended.
    var extended = 0
    for minute in 1...180 {
        try await keeper.clock.sleep(for: .seconds(60))
        #expect(try await keeper.key() == "ONE")
        guard minute >= 45 else { continue }
        if case .extended = await events.next() { extended += 1 }
    }
    print("renewals that failed \(keeper.fetcher.fetches - 1), the end put off \(extended) times")
    #expect(keeper.fetcher.fetches == 1 + 136)
    #expect(extended > 0)
    try await keeper.clock.sleep(for: .seconds(60))
    keeper.answer("TWO", seconds: 3600, outlives: true)
    _ = try await keeper.key()
    while let event = await events.next() {
        if case .renewed = event { break }
    }
    #expect(try await keeper.key() == "TWO")
}

@Test func `a rejection brings new credentials, and only to those who hold the old ones`()
    async throws
{
    let keeper = Keeper()
    keeper.answer("ONE", seconds: 3600)
    let old = try await keeper.credentials.credentials()
    try await keeper.clock.sleep(for: .seconds(2))
    keeper.answer("TWO", seconds: 3600)
    await keeper.credentials.reject(old)
    #expect(try await keeper.key() == "TWO")
    try await keeper.clock.sleep(for: .seconds(2))
    for _ in 0..<10 { await keeper.credentials.reject(old) }
    #expect(try await keeper.key() == "TWO")
    #expect(keeper.fetcher.fetches == 2)
}

@Test func `a cancelled caller stops waiting, the others get theirs`() async throws {
    let keeper = Keeper()
    keeper.answer("ONE", seconds: nil)
    keeper.fetcher.close()
    let patient = Task { try await keeper.key() }
    var began = keeper.fetcher.began.makeAsyncIterator()
    _ = await began.next()
    let hasty = Task {
        do throws(AWSFailure) {
            _ = try await keeper.credentials.credentials()
            return false
        } catch {
            return error.isCancellation
        }
    }
    hasty.cancel()
    #expect(await hasty.value)
    keeper.fetcher.open()
    #expect(try await patient.value == "ONE")
    #expect(keeper.fetcher.fetches == 1)
}

@Test func `events tell the key's name, place and end, and no secret`() async throws {
    let keeper = Keeper()
    keeper.answer("ONE", seconds: 3600)
    _ = try await keeper.key()
    var events = keeper.events.makeAsyncIterator()
    let event = try #require(await events.next())
    #expect("\(event)" == "credentials of ONE from a test, until 2027-01-15T09:00:00.000Z")
    var dumped = ""
    dump(event, to: &dumped)
    #expect(!dumped.contains("hush"))
}
