import ControlServer
internal import Synchronization
internal import Testing

private func streaming(
    _ chunks: any AsyncSequence<[UInt8], Never> & Sendable, at pattern: String = "/stream"
) -> ControlRoute {
    ControlRoute("GET", pattern) { _ in
        ControlReply(contentType: "application/x-ndjson", body: .stream(chunks))
    }
}

/// A sequence that makes `count` chunks of `size` bytes when asked, and counts them.
private struct Chunks: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let size: Int
    var left: Int
    let made: Counter

    func makeAsyncIterator() -> Chunks { self }

    mutating func next() async -> [UInt8]? {
        guard left > 0 else { return nil }
        left -= 1
        made.count()
        return [UInt8](repeating: UInt8(ascii: "x"), count: size - 1) + [10]
    }

    mutating func next(isolation: isolated (any Actor)?) async -> [UInt8]? { await next() }
}

private final class Counter: Sendable {
    private let state = Mutex(0)
    func count() { state.withLock { $0 += 1 } }
    var value: Int { state.withLock { $0 } }
}

struct StreamTests {
    @Test func `lines arrive as they are made`() async throws {
        let (stream, feed) = AsyncStream<[UInt8]>.makeStream()
        try await withServer([streaming(stream)]) { server in
            let client = try server.client()
            client.get("/stream")
            for n in 0..<20 {
                feed.yield(Array("{\"n\":\(n)}\n".utf8))
                let line = try await onThread { [isFirst = n == 0] in
                    while isFirst, try client.line() != "" {}
                    return try client.streamed()
                }
                #expect(line == "{\"n\":\(n)}\n")
            }
            feed.finish()
            #expect(try await onThread { try client.streamed() } == nil)
            // The connection is still good.
            let again = try await onThread {
                client.get("/nothing")
                return try client.reply()?.status
            }
            #expect(again == 404)
        }
    }

    @Test func `a quiet stream gets blank lines, but not within a line`() async throws {
        var limits = patientLimits
        limits.blankLineInterval = .milliseconds(5)
        let (stream, feed) = AsyncStream<[UInt8]>.makeStream()
        let (silence, _) = AsyncStream<[UInt8]>.makeStream()
        let routes = [streaming(stream), streaming(silence, at: "/witness")]
        try await withServer(routes, limits: limits) { server in
            let client = try server.client()
            client.get("/stream")
            let blanks = try await onThread {
                while try client.line() != "" {}
                return try (0..<3).map { _ in try client.chunk() }
            }
            #expect(blanks == ["\n", "\n", "\n"])
            feed.yield(Array("half ".utf8))
            let rest = try await onThread {
                return try client.streamed()
            }
            #expect(rest == "half ")
            // Blank lines go to all quiet streams at once: the witness shows that the timer fired meanwhile.
            let witness = try server.client()
            witness.get("/witness")
            let passed = try await onThread {
                while try witness.line() != "" {}
                return try (0..<3).map { _ in try witness.chunk() }
            }
            #expect(passed == ["\n", "\n", "\n"])
            feed.yield(Array("line\n".utf8))
            #expect(try await onThread { try client.streamed() } == "line\n")
        }
    }

    @Test func `a stream is cancelled when its client leaves`() async throws {
        var limits = patientLimits
        limits.blankLineInterval = .milliseconds(5)
        let (stream, feed) = AsyncStream<[UInt8]>.makeStream()
        let cancelled = Gate()
        feed.onTermination = { reason in
            if case .cancelled = reason { cancelled.open() }
        }
        try await withServer([streaming(stream)], limits: limits) { server in
            try await onThread {
                let client = try server.client()
                client.get("/stream")
                while try client.line() != "" {}
            }
            await cancelled.passed()
            let event = await server.events.first {
                if case .finished(_, _, "/stream", _, _) = $0 { true } else { false }
            }
            #expect(
                event
                    == .finished(
                        id: 1, method: "GET", path: "/stream", status: 200, delivered: false))
        }
    }

    @Test func `stop ends streams in good order`() async throws {
        let (stream, feed) = AsyncStream<[UInt8]>.makeStream()
        try await withServer([streaming(stream)]) { server in
            let client = try server.client()
            client.get("/stream")
            feed.yield(Array("one\n".utf8))
            #expect(
                try await onThread {
                    while try client.line() != "" {}
                    return try client.streamed()
                } == "one\n")
            await server.server.stop()
            // A last chunk of no bytes, not a broken connection.
            #expect(try await onThread { try client.line() } == "0")
        }
    }

    @Test func `stop does not wait for ever for a client that does not read`() async throws {
        var limits = patientLimits
        limits.stopInterval = .milliseconds(20)
        let made = Counter()
        let endless = Chunks(size: 65_536, left: .max, made: made)
        try await withServer([streaming(endless)], limits: limits) { server in
            let client = try server.client()
            client.get("/stream")
            #expect(try await onThread { try client.line() } == "HTTP/1.1 200 OK")
            await server.server.stop()
        }
    }

    @Test func `a stream makes no more than its client reads`() async throws {
        let made = Counter()
        let chunks = Chunks(size: 65_536, left: 400, made: made)
        var limits = patientLimits
        // On a busy machine the client may read slowly enough for a blank line.
        limits.blankLineInterval = .seconds(3600)
        try await withServer([streaming(chunks)], limits: limits) { server in
            let client = try server.client()
            client.get("/stream")
            let length = try await onThread {
                while try client.line() != "" {}
                var length = try client.chunk()?.utf8.count ?? 0
                // 26 MB in all; what is made ahead is bounded by the stream's buffer and the socket's.
                #expect(made.value < 40)
                while let chunk = try client.chunk() { length += chunk.utf8.count }
                return length
            }
            #expect(length == 400 * 65_536)
            #expect(made.value == 400)
        }
    }

    @Test func `HEAD does not start a stream`() async throws {
        let made = Counter()
        try await withServer([streaming(Chunks(size: 10, left: 1, made: made))]) { server in
            let reply = try await server.ask("/stream", method: "HEAD")
            #expect(reply?.status == 200)
            #expect(made.value == 0)
        }
    }
}
