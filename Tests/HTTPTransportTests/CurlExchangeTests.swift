internal import Glibc
internal import HTTPTransport
internal import Testing

private func ok(_ body: String, _ headers: String = "") -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
}

@Test func `one connection serves many requests, bodies and dot segments sent as they are`()
    async throws
{
    let server = try ScriptedServer([
        .reply(ok("one")), .reply(ok("two", "x-AMZ-Request-ID:  r-1 \r\n")), .reply(ok("")),
        .reply("HTTP/1.1 404 Not Found\r\nContent-Length: 9999\r\n\r\n"),
    ])
    let caller = Caller()
    let base = "http://127.0.0.1:\(server.port)"
    let first = try await caller.perform(HTTPRequest(method: "GET", url: base + "/a/../b//./c%2F"))
    let second = try await caller.perform(
        HTTPRequest(
            method: "POST", url: base + "/", headers: [("x-empty", ""), ("content-type", "t/x")],
            body: Array("1\0\u{e9}".utf8)))
    let third = try await caller.perform(HTTPRequest(method: "PUT", url: base + "/p"))
    let fourth = try await caller.perform(HTTPRequest(method: "HEAD", url: base + "/h"))
    #expect(first.body == Array("one".utf8))
    #expect(second.status == 200)
    #expect(second.header("X-Amz-Request-Id") == "r-1")
    #expect(third.body.isEmpty)
    #expect(fourth.status == 404)
    #expect(fourth.header("content-length") == "9999")
    server.stop()
    var requests = server.requests.makeAsyncIterator()
    let get = await requests.next()
    #expect(get?.text.hasPrefix("GET /a/../b//./c%2F HTTP/1.1\r\n") == true)
    let post = await requests.next()
    #expect(post?.text.contains("\r\nx-empty:\r\n") == true)
    #expect(post?.text.contains("\r\ncontent-type: t/x\r\n") == true)
    #expect(post?.text.contains("Expect") == false)
    #expect(post?.text.hasSuffix("\r\n\r\n1\0\u{e9}") == true)
    let put = await requests.next()
    #expect(put?.text.hasPrefix("PUT /p ") == true)
    #expect(put?.text.contains("Content-Length: 0\r\n") == true)
    #expect(put?.text.contains("Content-Type") == false)
    let head = await requests.next()
    #expect(head?.text.hasPrefix("HEAD /h ") == true)
    #expect(head?.connection == 1)
}

@Test(arguments: ["GET", "POST"])
func `a kept connection that was closed meanwhile costs no failure`(method: String) async throws {
    let server = try ScriptedServer([.replyThenClose(ok("one")), .reply(ok("two"))])
    let caller = Caller()
    let request = HTTPRequest(
        method: method, url: "http://127.0.0.1:\(server.port)/", body: Array("b".utf8))
    #expect(try await caller.perform(request).body == Array("one".utf8))
    #expect(try await caller.perform(request).body == Array("two".utf8))
    server.stop()
}

@Test func `what may be done once only is not sent again by itself`() async throws {
    // The kept connection takes the second request and closes without a reply: was it carried out?
    let script: [ScriptedServer.Step] = [.reply(ok("one")), .replyThenClose(""), .reply(ok("two"))]
    for isRepeatable in [true, false] {
        let server = try ScriptedServer(script)
        let request = HTTPRequest(
            method: "POST", url: "http://127.0.0.1:\(server.port)/", body: Array("b".utf8))
        var later = request
        later.isRepeatable = isRepeatable
        let failure = await failure(of: [request, later])
        server.stop()
        #expect(await server.all().map(\.connection) == (isRepeatable ? [1, 1, 2] : [1, 2]))
        if isRepeatable {
            #expect(failure == nil)
        } else if case .noReply = failure {
        } else {
            Issue.record("\(String(describing: failure))")
        }
    }
}

/// Sends one after the other with one exchange, which is gone afterwards.
private func failure(of requests: [HTTPRequest]) async -> HTTPFailure? {
    let caller = Caller()
    for request in requests {
        if let failure = await caller.failure(request) { return failure }
    }
    return nil
}

@Test func `nothing of one request is left for the next`() async throws {
    let server = try ScriptedServer([ScriptedServer.Step](repeating: .reply(ok("")), count: 6))
    let base = "http://127.0.0.1:\(server.port)/"
    let requests = [
        HTTPRequest(method: "POST", url: base, headers: [("x-one", "1")], body: Array("body".utf8)),
        HTTPRequest(method: "GET", url: base), HTTPRequest(method: "HEAD", url: base),
        HTTPRequest(method: "PUT", url: base + "p", headers: [("Content-Type", "t/x")]),
        HTTPRequest(method: "DELETE", url: base), HTTPRequest(method: "POST", url: base),
    ]
    #expect(await failure(of: requests) == nil)
    server.stop()
    let sent = await server.all().map(\.text)
    #expect(
        sent.map { $0.prefix { $0 != "\r\n" } }
            == [
                "POST / HTTP/1.1", "GET / HTTP/1.1", "HEAD / HTTP/1.1", "PUT /p HTTP/1.1",
                "DELETE / HTTP/1.1", "POST / HTTP/1.1",
            ])
    #expect(sent[0].contains("x-one: 1"))
    #expect(sent[0].hasSuffix("\r\n\r\nbody"))
    for text in sent[1...] {
        #expect(!text.contains("x-one"))
        #expect(text.hasSuffix("\r\n\r\n"))
    }
    #expect(
        sent.map { $0.contains("Content-Length: 0") } == [false, false, false, true, false, true])
    #expect(sent.map { $0.contains("Content-Type") } == [false, false, false, true, false, false])
}

@Test func `connections have keepalive and a limit on what stays unacknowledged`() async throws {
    let server = try ScriptedServer([.reply(ok(""))])
    let caller = Caller(CurlOptions(unacknowledgedTimeout: .seconds(12)))
    _ = try await caller.perform(
        HTTPRequest(method: "GET", url: "http://127.0.0.1:\(server.port)/"))
    // The kept connection is the descriptor of this process whose peer is the server.
    let client = try #require((0..<1024).first { peerPort(of: $0) == server.port })
    #expect(option(client, SOL_SOCKET, SO_KEEPALIVE) == 1)
    #expect(option(client, Int32(IPPROTO_TCP), TCP_KEEPIDLE) == 6)
    #expect(option(client, Int32(IPPROTO_TCP), TCP_KEEPINTVL) == 3)
    #expect(option(client, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT) == 12_000)
    server.stop()
}

private func peerPort(of descriptor: Int32) -> Int? {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            getpeername(descriptor, $0, &length)
        }
    }
    guard code == 0, address.sin_family == sa_family_t(AF_INET) else { return nil }
    return Int(UInt16(bigEndian: address.sin_port))
}

private func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
    var value: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, level, name, &value, &length)
    return value
}

@Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
func `a silent server ends at the deadline`(sent: String) async throws {
    let server = try ScriptedServer([.replyThenSilence(sent)])
    let url = "http://127.0.0.1:\(server.port)/"
    let failure = await Caller().failure(
        HTTPRequest(method: "GET", url: url, deadline: .milliseconds(200)))
    guard case .deadlineExceeded(let sentence) = failure else {
        Issue.record("\(String(describing: failure))")
        return
    }
    #expect(sentence.hasPrefix("127.0.0.1:\(server.port) did not answer in time: "))
    server.stop()
}

@Test func `cancel from another thread ends a long poll at once, and every later request`()
    async throws
{
    // The poll is on a kept connection: libcurl's timers for connecting would wake it up by themselves.
    let server = try ScriptedServer([.reply(ok("")), .replyThenSilence("")])
    let caller = Caller()
    let request = HTTPRequest(
        method: "GET", url: "http://127.0.0.1:\(server.port)/", deadline: .seconds(600))
    _ = try await caller.perform(request)
    async let failure = caller.failure(request)
    var requests = server.requests.makeAsyncIterator()
    for connection in [1, 1] { #expect(await requests.next()?.connection == connection) }
    let start = ContinuousClock.now
    caller.exchange.cancel()
    #expect(await failure == .cancelled)
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect(await caller.failure(request) == .cancelled)
    server.stop()
}

@Test(arguments: [
    "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-Le",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "garbage\r\n\r\n",
])
func `a reply that breaks off is no reply`(sent: String) async throws {
    let server = try ScriptedServer([.replyThenClose(sent)])
    let failure = await Caller().failure(
        HTTPRequest(method: "GET", url: "http://127.0.0.1:\(server.port)/"))
    guard case .noReply(let sentence) = failure else {
        Issue.record("\(String(describing: failure))")
        return
    }
    #expect(sentence.hasPrefix("no complete reply from 127.0.0.1:\(server.port): "))
    server.stop()
}

@Test func `a reply beyond the limit is stopped while it arrives`() async throws {
    let body = String(repeating: "x", count: 1000)
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + String(repeating: "3e8\r\n\(body)\r\n", count: 50)
    let manyHeaders = ok("", String(repeating: "x-filler: \(body)\r\n", count: 70))
    let server = try ScriptedServer([
        .reply(ok(body)), .replyThenSilence(ok(body + "y")), .replyThenSilence(chunked),
        .replyThenSilence(manyHeaders),
    ])
    let caller = Caller()
    let host = "127.0.0.1:\(server.port)"
    let request = HTTPRequest(method: "GET", url: "http://\(host)/", maximumReplyBytes: 1000)
    #expect(try await caller.perform(request).body.count == 1000)
    for limit in ["a reply of more than 1000 bytes", "a reply of more than 1000 bytes"] {
        #expect(await caller.failure(request) == .replyTooLarge("\(host) sent \(limit)"))
    }
    let headers = "\(host) sent reply headers of more than 65536 bytes"
    #expect(await caller.failure(request) == .replyTooLarge(headers))
    server.stop()
}

@Test func `interim replies are no reply`() async throws {
    let interim = "HTTP/1.1 100 Continue\r\nx-interim: 1\r\n\r\n"
    let server = try ScriptedServer([.reply(interim + ok("done", "x-final: 1\r\n"))])
    let reply = try await Caller().perform(
        HTTPRequest(method: "GET", url: "http://127.0.0.1:\(server.port)/"))
    #expect(reply.status == 200)
    #expect(reply.header("x-interim") == nil)
    #expect(reply.header("x-final") == "1")
    server.stop()
}

@Test func `a redirect is a reply like any other`() async throws {
    let server = try ScriptedServer([
        .reply("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    ])
    let reply = try await Caller().perform(
        HTTPRequest(method: "GET", url: "http://127.0.0.1:\(server.port)/"))
    #expect(reply.status == 301)
    server.stop()
}

@Test func `what never left this host is told apart and names the host`() async throws {
    let closed = try ScriptedServer([])
    closed.stop()
    for await _ in closed.requests {}
    let plain = try ScriptedServer([.replyThenClose("no TLS here")])
    let hasty = CurlOptions(connectTimeout: .milliseconds(300))
    let bundle = CurlOptions(certificateBundle: "/nonexistent/ca.pem")
    let cases: [(CurlOptions, String, host: String, cause: String)] = [
        (CurlOptions(), "http://127.0.0.1:\(closed.port)/", "127.0.0.1:\(closed.port)", "connect"),
        (hasty, "https://127.0.0.1:\(plain.port)/", "127.0.0.1:\(plain.port)", "SSL"),
        (bundle, "https://127.0.0.1:\(plain.port)/", "127.0.0.1:\(plain.port)", "/nonexistent/ca"),
        (CurlOptions(), "ftp://127.0.0.1/", "127.0.0.1", "rotocol"),
        (CurlOptions(unixSocket: "/nonexistent/s"), "http://local/", "/nonexistent/s", "connect"),
    ]
    for (options, url, host, cause) in cases {
        let failure = await Caller(options).failure(HTTPRequest(method: "GET", url: url))
        guard case .notSent(let sentence) = failure else {
            Issue.record("\(url): \(String(describing: failure))")
            continue
        }
        #expect(sentence.hasPrefix("cannot reach \(host): "))
        #expect(sentence.contains(cause), "\(sentence)")
    }
    plain.stop()
}

@Test func `a line break in a request is refused before anything is sent`() async {
    let url = "http://127.0.0.1:1/"
    let requests = [
        HTTPRequest(method: "GET", url: url + "a\r\nX: y"),
        HTTPRequest(method: "GET", url: url + "a b"),
        HTTPRequest(method: "GET\r\n", url: url),
        HTTPRequest(method: "GET", url: url, headers: [("x", "a\r\nX: y")]),
        HTTPRequest(method: "GET", url: url, headers: [("x\r\ny", "a")]),
        HTTPRequest(method: "GET", url: url, headers: [("", "a")]),
        HTTPRequest(method: "GET", url: url, headers: [("x", "a\0")]),
    ]
    for request in requests {
        guard case .notSent(let sentence) = await Caller().failure(request) else {
            Issue.record("\(request.url) was tried")
            continue
        }
        #expect(!sentence.hasPrefix("cannot reach"), "\(sentence)")
    }
}

@Test func `a Unix socket is spoken to whatever the host`() async throws {
    let path = "/tmp/s3remedy-http-\(getpid()).sock"
    unlink(path)
    let server = try ScriptedServer(unixSocket: path, [.reply(ok("local"))])
    defer { unlink(path) }
    let reply = try await Caller(CurlOptions(unixSocket: path)).perform(
        HTTPRequest(method: "GET", url: "http://s3remedyd/v1/status"))
    #expect(reply.body == Array("local".utf8))
    server.stop()
}

@Test func `a stream is handed on as it arrives, and ends when it is enough`() async throws {
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n2\r\nb\n\r\n"
    let server = try ScriptedServer([
        .replyThenSilence(chunks), .replyThenClose(chunks + "0\r\n\r\n"),
        .replyThenClose("HTTP/1.1 409 Conflict\r\nContent-Length: 3\r\n\r\nwhy"),
        .replyThenClose(chunks),
    ])
    let caller = Caller()
    let request = HTTPRequest(
        method: "GET", url: "http://127.0.0.1:\(server.port)/", deadline: .seconds(600),
        maximumReplyBytes: 3)
    let stopped = try await caller.lines(request, until: "b")
    #expect(stopped.lines == ["a", "b"])
    #expect(stopped.reply.status == 200)
    let whole = try await caller.lines(request, until: "c")
    #expect(whole.lines == ["a", "b"])
    #expect(whole.reply.body.isEmpty)
    let refused = try await caller.lines(request, until: "c")
    #expect(refused.lines.isEmpty)
    #expect(refused.reply.body == Array("why".utf8))
    await #expect(throws: HTTPFailure.self) { try await caller.lines(request, until: "c") }
    server.stop()
}
