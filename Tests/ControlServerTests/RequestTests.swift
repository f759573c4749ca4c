import ControlServer
internal import Glibc
internal import Testing

private let echo = ControlRoute("GET", "/v1/echo/{a}/{b}") { request in
    text("a=\(request.parameters["a"] ?? "-") b=\(request.parameters["b"] ?? "-")")
}

private let query = ControlRoute("GET", "/v1/query") { request in
    text(request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "|"))
}

private let post = ControlRoute("POST", "/v1/body") { request in
    text("\(request.body.count) \(request.header("x-mark") ?? "-")")
}

struct RequestTests {
    @Test(
        arguments: [
            ("/v1/echo/one/two", "a=one b=two"),
            ("/v1/echo/b/a%2Fb%3Fc", "a=b b=a/b?c"),
            ("/v1/echo/%C3%A9/+%2B", "a=é b=++"),
            ("http://localhost/v1/echo/1/2?x", "a=1 b=2"),
        ])
    func `path parameters are split before they are decoded`(
        target: String, expected: String
    ) async throws {
        try await withServer([echo]) { server in
            let reply = try await server.ask(target)
            #expect(reply?.status == 200)
            #expect(reply?.body == expected)
        }
    }

    @Test(arguments: ["/v1/echo/%2/x", "/v1/echo/%GG/x", "/v1/echo/%FF/x", "/v1/query?a=%F"])
    func `broken escapes are answered 400`(target: String) async throws {
        try await withServer([echo, query]) { server in
            let reply = try await server.ask(target)
            #expect(reply?.status == 400)
            #expect(reply?.headers["content-type"] == "application/problem+json")
            #expect(reply?.body.hasPrefix("badRequest: ") == true)
        }
    }

    @Test func `query pairs keep their order and are decoded`() async throws {
        try await withServer([query]) { server in
            let reply = try await server.ask("/v1/query?b=2&a=x+y%2Bz&flag&a=&&e=%3D%26")
            #expect(reply?.body == "b=2|a=x y+z|flag=|a=|e==&")
        }
    }

    @Test func `an unknown path is answered 404`() async throws {
        try await withServer([echo]) { server in
            for target in [
                "/", "/v1/echo/one", "/v1/echo/one/two/three", "/v1/echo//two", "/V1/echo/a/b",
            ] {
                let reply = try await server.ask(target)
                #expect(reply?.status == 404, "\(target)")
                #expect(reply?.body == "notFound: there is nothing at \(target)")
            }
        }
    }

    @Test(arguments: ["DELETE", "BREW", "OPTIONS"])
    func `a wrong method is answered 405 with what is allowed`(method: String) async throws {
        let put = ControlRoute("PUT", "/v1/query") { _ in text("put") }
        try await withServer([query, put]) { server in
            let reply = try await server.ask("/v1/query", method: method)
            #expect(reply?.status == 405)
            #expect(reply?.headers["allow"] == "GET, HEAD, PUT")
            let right = try await server.ask("/v1/query", method: "PUT")
            #expect(right?.body == "put")
        }
    }

    @Test func `a literal segment wins over a parameter`() async throws {
        let named = ControlRoute("GET", "/v1/{name}") { _ in text("named") }
        let fixed = ControlRoute("GET", "/v1/fixed") { _ in text("fixed") }
        try await withServer([named, fixed]) { server in
            let literal = try await server.ask("/v1/fixed")
            #expect(literal?.body == "fixed")
            let other = try await server.ask("/v1/other")
            #expect(other?.body == "named")
            let wrong = try await server.ask("/v1/fixed", method: "POST")
            #expect(wrong?.status == 405)
        }
    }

    @Test func `HEAD is GET without the body`() async throws {
        try await withServer([query]) { server in
            let client = try server.client()
            let replies = try await onThread {
                client.get("/v1/query?a=1", method: "HEAD")
                let head = try client.reply(hasBody: false)
                client.get("/v1/query?a=1")
                return (head, try client.reply())
            }
            #expect(replies.0?.status == 200)
            #expect(replies.0?.headers["content-length"] == "3")
            #expect(replies.1?.body == "a=1")
        }
    }

    @Test func `the peer is this process`() async throws {
        let whoami = ControlRoute("GET", "/whoami") { request in
            let peer = request.peer
            return text("\(peer.uid) \(peer.gid) \(peer.pid) \(peer.groups.sorted())")
        }
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(Int32(groups.count), &groups)
        let sorted = groups.prefix(Int(count)).sorted()
        try await withServer([whoami]) { server in
            let reply = try await server.ask("/whoami")
            #expect(reply?.body == "\(geteuid()) \(getegid()) \(getpid()) \(sorted)")
        }
    }

    @Test func `a body of the limit is taken, one byte more is not`() async throws {
        var limits = patientLimits
        limits.bodyBytes = 100_000
        try await withServer([post], limits: limits) { server in
            let body = String(repeating: "x", count: limits.bodyBytes)
            let fits = try await server.ask(
                "/v1/body", method: "POST", fields: "X-Mark: m\r\n", body: body)
            #expect(fits?.body == "100000 m")
            let reply = try await server.ask("/v1/body", method: "POST", body: body + "x")
            #expect(reply?.status == 413)
            #expect(reply?.headers["connection"] == "close")
            #expect(reply?.body.hasPrefix("payloadTooLarge: ") == true)
        }
    }

    @Test func `a chunked body is bounded too`() async throws {
        var limits = patientLimits
        limits.bodyBytes = 1000
        try await withServer([post], limits: limits) { server in
            let fields = "Transfer-Encoding: chunked\r\n"
            let client = try server.client()
            let replies = try await onThread {
                var replies: [RawReply?] = []
                for length in [1000, 1001] {
                    client.get("/v1/body", method: "POST", fields: fields)
                    let data = String(repeating: "y", count: length)
                    client.send("\(String(length, radix: 16))\r\n\(data)\r\n0\r\n\r\n")
                    replies.append(try client.reply())
                }
                client.get("/v1/body", method: "POST", fields: fields)
                client.send("100000\r\n" + String(repeating: "z", count: 0x10_0000))
                replies.append(try client.reply())
                return replies
            }
            #expect(replies[0]?.body == "1000 -")
            #expect(replies[1]?.status == 413)
            // Far beyond, the connection is closed.
            #expect(replies[2] == nil)
        }
    }

    @Test func `a client that waits for 100 Continue gets it, or 413 at once`() async throws {
        try await withServer([post]) { server in
            let replies = try await onThread {
                var replies: [RawReply?] = []
                for (length, goesOn) in [(3, true), (9_999_999, false)] {
                    let client = try server.client()
                    client.send(
                        "POST /v1/body HTTP/1.1\r\nHost: s\r\nContent-Length: \(length)\r\n"
                            + "Expect: 100-continue\r\n\r\n")
                    replies.append(try client.reply())
                    guard goesOn else { continue }
                    client.send("abc")
                    replies.append(try client.reply())
                }
                return replies
            }
            #expect(replies.map { $0?.status } == [100, 200, 413])
        }
    }

    @Test func `a header beyond the limit is answered 431`() async throws {
        try await withServer([query]) { server in
            let fits = "X-Long: \(String(repeating: "a", count: 16_000))\r\n"
            let fitting = try await server.ask("/v1/query", fields: fits)
            #expect(fitting?.status == 200)
            let over = "X-Long: \(String(repeating: "a", count: 16_384))\r\n"
            let reply = try await server.ask("/v1/query", fields: over)
            #expect(reply?.status == 431)
            #expect(reply?.body.hasPrefix("headersTooLarge: ") == true)
            // What does not fit the connection's memory is refused by the library, in words of its own.
            let beyond = "X-Long: \(String(repeating: "a", count: 200_000))\r\n"
            let library = try await server.ask("/v1/query", fields: beyond)
            #expect(library?.status == 431)
        }
    }

    @Test func `HTTP 1.0 is served and closed`() async throws {
        try await withServer([query]) { server in
            let client = try server.client()
            let replies = try await onThread {
                client.send("GET /v1/query?a=1 HTTP/1.0\r\n\r\n")
                return (try client.reply(), try client.reply())
            }
            #expect(replies.0?.body == "a=1")
            #expect(replies.1 == nil)
        }
    }
}
