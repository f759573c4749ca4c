import ControlServer
internal import Glibc
internal import Testing

private let number = ControlRoute("GET", "/n/{n}") { text($0.parameters["n"] ?? "-") }

/// A route that says when it is entered and answers when it may.
private struct Held {
    let entered = Gate()
    let released = Gate()

    var route: ControlRoute {
        ControlRoute("GET", "/held") { [entered, released] _ in
            entered.open()
            await released.passed()
            return text("held")
        }
    }
}

/// Asks for `/held` and leaves as soon as the handler works on it.
private func askAndLeave(_ server: ServerHarness, _ held: Held) async throws {
    let client = try server.client()
    client.get("/held")
    await held.entered.passed()
}

struct ConnectionTests {
    @Test func `one connection serves many requests`() async throws {
        try await withServer([number]) { server in
            let client = try server.client()
            let bodies = try await onThread {
                try (0..<50).map { n in
                    client.get("/n/\(n)")
                    return try client.reply()?.body
                }
            }
            #expect(bodies == (0..<50).map { "\($0)" })
        }
    }

    @Test func `pipelined requests are answered in order`() async throws {
        try await withServer([number]) { server in
            let client = try server.client()
            let bodies = try await onThread {
                client.send((0..<30).map { "GET /n/\($0) HTTP/1.1\r\nHost: s\r\n\r\n" }.joined())
                return try (0..<30).map { _ in try client.reply()?.body }
            }
            #expect(bodies == (0..<30).map { "\($0)" })
        }
    }

    @Test func `16 connections at once get 100 right replies each`() async throws {
        try await withServer([number]) { server in
            let right = try await withThrowingTaskGroup(of: Int.self) { group in
                for connection in 0..<16 {
                    group.addTask {
                        let client = try server.client()
                        return try await onThread {
                            try (0..<100).count { n in
                                client.get("/n/\(connection * 100 + n)")
                                return try client.reply()?.body == "\(connection * 100 + n)"
                            }
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(right == 1600)
        }
    }

    @Test func `others are served while a handler takes long`() async throws {
        let held = Held()
        try await withServer([held.route, number]) { server in
            async let slow = server.ask("/held")
            await held.entered.passed()
            for n in 0..<20 {
                let quick = try await server.ask("/n/\(n)")
                #expect(quick?.body == "\(n)")
            }
            held.released.open()
            let reply = try await slow
            #expect(reply?.body == "held")
        }
    }

    @Test func `a client that leaves during its request harms nobody`() async throws {
        let held = Held()
        try await withServer([held.route, number]) { server in
            try await askAndLeave(server, held)
            held.released.open()
            let event = await server.events.first {
                if case .finished(_, _, "/held", _, _) = $0 { true } else { false }
            }
            #expect(
                event
                    == .finished(
                        id: 1, method: "GET", path: "/held", status: 200, delivered: false))
            let reply = try await server.ask("/n/1")
            #expect(reply?.body == "1")
        }
    }

    @Test func `broken requests leave nothing behind`() async throws {
        try await withServer([number]) { server in
            let beginnings = [
                "", "GET", "GET /n/1 HTTP/1.1\r\nHo", "\u{0}\u{1}\r\n\r\n", "GET /n/1\r\n\r\n",
            ]
            try await onThread {
                for beginning in beginnings { try server.client().send(beginning) }
            }
            let reply = try await server.ask("/n/2")
            #expect(reply?.body == "2")
        }
    }

    @Test func `more connections than allowed wait for their turn`() async throws {
        var limits = patientLimits
        limits.connections = 2
        // Nothing else may wake the server.
        limits.blankLineInterval = .seconds(3600)
        let held = Held()
        try await withServer([held.route, number], limits: limits) { server in
            async let first = server.ask("/held")
            async let second = server.ask("/held")
            await held.entered.passed()
            async let third = server.ask("/n/3")
            held.released.open()
            let all = try await [first, second, third]
            #expect(all.map { $0?.body } == ["held", "held", "3"])
        }
    }

    @Test func `who asks for nothing gives its place up to a client that waits`() async throws {
        var limits = patientLimits
        limits.connections = 3
        limits.crowdedIdle = .milliseconds(50)
        limits.blankLineInterval = .seconds(3600)
        let held = Held()
        try await withServer([held.route, number], limits: limits) { server in
            async let atWork = server.ask("/held")
            await held.entered.passed()
            let idle = try await onThread {
                let client = try server.client()
                client.get("/n/1")
                _ = try client.reply()
                return client
            }
            let slow = try server.client()
            slow.send("GET /n/2 HTTP/1.1\r\nHo")
            // Two more than there are places: both quiet ones go, the one at work stays.
            async let fourth = server.ask("/n/4")
            async let fifth = server.ask("/n/5")
            let answers = try await [fourth, fifth]
            #expect(answers.map { $0?.body } == ["4", "5"])
            let sixth = try await server.ask("/n/6")
            #expect(sixth?.body == "6")
            held.released.open()
            #expect(try await atWork?.body == "held")
            withExtendedLifetime((idle, slow)) {}
        }
    }

    @Test func `nobody is cut off while there are places`() async throws {
        var limits = patientLimits
        limits.connections = 3
        limits.crowdedIdle = .zero
        try await withServer([number], limits: limits) { server in
            let answers = try await onThread {
                let clients = try [server.client(), server.client()]
                return try (0..<20).map { round in
                    clients[round % 2].get("/n/\(round)")
                    return try clients[round % 2].reply()?.body
                }
            }
            #expect(answers == (0..<20).map { "\($0)" })
        }
    }

    @Test func `an idle connection is closed`() async throws {
        var limits = patientLimits
        // Long enough for a busy machine to send a request in.
        limits.idleSeconds = 3
        try await withServer([number], limits: limits) { server in
            let replies = try await onThread {
                let client = try server.client()
                client.get("/n/1")
                return (try client.reply()?.body, try client.line())
            }
            #expect(replies.0 == "1")
            #expect(replies.1 == nil)
        }
    }

    @Test func `stop answers 503 to requests at work and returns`() async throws {
        let held = Held()
        try await withServer([held.route, number]) { server in
            let idle = try server.client()
            #expect(
                try await onThread {
                    idle.get("/n/1")
                    return try idle.reply()?.body
                } == "1")
            let half = try server.client()
            half.send("POST /held HTTP/1.1\r\nHost: s\r\nContent-Length: 10\r\n\r\nabc")
            async let slow = server.ask("/held")
            await held.entered.passed()
            await server.server.stop()
            let refused = try await slow
            #expect(refused?.status == 503)
            #expect(refused?.body == "stopping: the server is stopping")
            #expect(try await onThread { try idle.line() } == nil)
            #expect(try await onThread { try half.line() } == nil)
            #expect(access(server.path, F_OK) == -1)
            // Its late reply goes nowhere.
            held.released.open()
            await server.server.stop()
        }
    }

    @Test func `stop reaches every one of 40 requests at work`() async throws {
        let held = Held()
        let clients = 40
        try await withServer([held.route]) { server in
            let statuses = await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<clients {
                    group.addTask { try await server.ask("/held")?.status }
                }
                await held.entered.passed()
                async let first: Void = server.server.stop()
                async let second: Void = server.server.stop()
                _ = await (first, second)
                var statuses: [Int?] = []
                // A client that had not been accepted is refused or cut off.
                while let status = await group.nextResult() { statuses.append(try? status.get()) }
                return statuses
            }
            #expect(statuses.count == clients)
            #expect(statuses.contains(503))
            #expect(statuses.allSatisfy { $0 == 503 || $0 == nil })
            held.released.open()
        }
    }

    @Test func `a server that never started stops`() async throws {
        try await withDirectory { directory in
            let harness = makeServer([number], in: directory)
            await harness.server.stop()
            await #expect(throws: ControlServerFailure.alreadyStarted) {
                try await harness.server.start(.path(harness.path))
            }
        }
    }
}
