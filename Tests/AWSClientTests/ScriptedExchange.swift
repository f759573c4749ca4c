internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import HTTPTransport
internal import Synchronization
internal import SystemIO

/// Answers request number n with step number n of its script and keeps the requests.
final class ScriptedExchange: HTTPExchanging {
    enum Step: Sendable {
        case reply(Int, headers: [(name: String, value: String)] = [], body: String = "")
        case failure(HTTPFailure)
    }

    private struct State {
        var steps: ArraySlice<Step>
        var requests: [HTTPRequest] = []
    }

    private let state: Mutex<State>

    init(_ script: [Step]) {
        state = Mutex(State(steps: script[...]))
    }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    var unusedSteps: Int { state.withLock { $0.steps.count } }

    nonisolated(nonsending) func perform(_ request: HTTPRequest) async throws(HTTPFailure)
        -> HTTPReply
    {
        let step = state.withLock { state in
            state.requests.append(request)
            return state.steps.popFirst()
        }
        switch step {
        case .reply(let status, let headers, let body):
            return HTTPReply(status: status, headers: headers, body: Array(body.utf8))
        case .failure(let failure): throw failure
        case nil: throw .notSent("the script is over")
        }
    }

    func cancel() {}
}

/// Stands still; sleeping moves it.
final class ManualClock: ClockReading {
    private let state = Mutex((wall: Int64(1_800_000_000_000), slept: [Duration]()))

    var slept: [Duration] { state.withLock { $0.slept } }

    func wallMilliseconds() -> Int64 { state.withLock { $0.wall } }

    func monotonicNanoseconds() -> UInt64 { UInt64(wallMilliseconds()) * 1_000_000 }

    nonisolated(nonsending) func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            state.slept.append(duration)
            let (seconds, attoseconds) = duration.components
            state.wall += seconds * 1000 + attoseconds / 1_000_000_000_000_000
        }
    }
}

/// Hands out one set after the other, a new one after each rejection.
final class RotatingCredentials: CredentialsProviding {
    private let state: Mutex<(sets: [AWSCredentials], rejected: Int)>

    init(_ sets: [AWSCredentials]) {
        state = Mutex((sets, 0))
    }

    var rejected: Int { state.withLock { $0.rejected } }

    nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
        guard let first = state.withLock({ $0.sets.first }) else {
            throw .credentials("no credentials in this test")
        }
        return first
    }

    nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async {
        state.withLock { state in
            state.rejected += 1
            if state.sets.count > 1 { state.sets.removeFirst() }
        }
    }
}

/// Always the greatest value, so that the jitter is 1.
struct HighestRandom: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}

/// A caller over fakes at every port.
struct Bench {
    let exchange: ScriptedExchange
    let clock = ManualClock()
    let credentials: RotatingCredentials
    let caller: AWSCaller

    static let first = AWSCredentials(
        accessKeyID: "FIRST", secretAccessKey: "first-hush", sessionToken: "first-token-hush")
    static let second = AWSCredentials(accessKeyID: "SECOND", secretAccessKey: "second-hush")

    init(
        _ script: [ScriptedExchange.Step], credentials: [AWSCredentials] = [first]
    ) throws {
        exchange = ScriptedExchange(script)
        self.credentials = RotatingCredentials(credentials)
        caller = AWSCaller(
            region: "eu-west-1", endpoints: try AWSEndpoints(), exchange: exchange,
            credentials: self.credentials, clock: clock, random: HighestRandom())
    }

    /// The reason why `call` failed.
    func failure<Value>(of call: () async throws(AWSFailure) -> Value) async -> AWSFailure? {
        do {
            _ = try await call()
            return nil
        } catch {
            return error
        }
    }
}

extension HTTPRequest {
    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}

func xmlError(_ code: String, _ message: String = "m") -> String {
    "<Error><Code>\(code)</Code><Message>\(message)</Message></Error>"
}

let identity = """
    <GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/u</Arn>\
    <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>
    """

/// 1,800,000,000,000 ms, the manual clock's start.
let now = (name: "Date", value: "Fri, 15 Jan 2027 08:00:00 GMT")
