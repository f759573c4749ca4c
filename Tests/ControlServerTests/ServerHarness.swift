import ControlServer
internal import Glibc
internal import Synchronization
import SystemIO

/// A server on a socket in a directory of its own.
struct ServerHarness: Sendable {
    let directory: String
    let server: HTTPServer
    let events: EventLog

    var path: String { directory + "/control.sock" }

    func client() throws -> RawClient { try RawClient(path) }

    /// One request on a connection of its own.
    func ask(
        _ target: String, method: String = "GET", fields: String = "", body: String = ""
    ) async throws -> RawReply? {
        let client = try client()
        return try await onThread {
            client.get(target, method: method, fields: fields, body: body)
            return try client.reply(hasBody: method != "HEAD")
        }
    }
}

/// The usual limits, but for an idle time that no busy machine lets pass between two steps of a test.
let patientLimits: ControlLimits = {
    var limits = ControlLimits()
    limits.idleSeconds = 600
    return limits
}()

func makeServer(
    _ routes: [ControlRoute], in directory: String, limits: ControlLimits = patientLimits
) -> ServerHarness {
    let events = EventLog()
    let server = HTTPServer(
        routes: routes, limits: limits, executor: .events("control test"),
        problem: { status, code, detail in
            ControlReply(
                status: status, contentType: "application/problem+json",
                body: .bytes(Array("\(code): \(detail)".utf8)))
        },
        log: { events.append($0) })
    return ServerHarness(directory: directory, server: server, events: events)
}

/// Runs `body` against a started server, which is stopped afterwards in any case.
func withServer(
    _ routes: [ControlRoute], limits: ControlLimits = patientLimits,
    _ body: (ServerHarness) async throws -> Void
) async throws {
    try await withDirectory { directory in
        let harness = makeServer(routes, in: directory, limits: limits)
        try await harness.server.start(.path(harness.path))
        do {
            try await body(harness)
        } catch {
            await harness.server.stop()
            throw error
        }
        await harness.server.stop()
    }
}

func withDirectory(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/control.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ClientFailure(what: "mkdtemp", errno: errno) }
    let directory = String(decoding: template.dropLast().map { UInt8($0) }, as: UTF8.self)
    defer {
        unlink(directory + "/control.sock")
        rmdir(directory)
    }
    try await body(directory)
}

func text(_ text: String) -> ControlReply {
    ControlReply(contentType: "text/plain", body: .bytes(Array(text.utf8)))
}

/// What a server told its log, and a way to wait for it.
final class EventLog: Sendable {
    private struct Waiter {
        let condition: @Sendable (ControlServerEvent) -> Bool
        let continuation: CheckedContinuation<ControlServerEvent, Never>
    }

    private struct Contents {
        var events: [ControlServerEvent] = []
        var waiters: [Waiter] = []
    }

    private let contents = Mutex(Contents())

    func append(_ event: ControlServerEvent) {
        let ready = contents.withLock { contents in
            contents.events.append(event)
            let ready = contents.waiters.filter { $0.condition(event) }
            contents.waiters.removeAll { $0.condition(event) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: event) }
    }

    /// The first event of that kind, past or future.
    func first(
        where condition: @escaping @Sendable (ControlServerEvent) -> Bool
    ) async -> ControlServerEvent {
        await withCheckedContinuation { continuation in
            let past = contents.withLock { contents -> ControlServerEvent? in
                if let past = contents.events.first(where: condition) { return past }
                contents.waiters.append(Waiter(condition: condition, continuation: continuation))
                return nil
            }
            if let past { continuation.resume(returning: past) }
        }
    }
}

/// Something that happens once, and that many may wait for.
final class Gate: Sendable {
    private struct Contents {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let contents = Mutex(Contents())

    func open() {
        let waiters = contents.withLock { contents in
            contents.isOpen = true
            defer { contents.waiters = [] }
            return contents.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func passed() async {
        await withCheckedContinuation { continuation in
            let isOpen = contents.withLock { contents in
                if !contents.isOpen { contents.waiters.append(continuation) }
                return contents.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
