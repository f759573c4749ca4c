internal import Dispatch
internal import Glibc
package import SystemIO

/// HTTP/1.1 over a Unix stream socket, or over TCP to clients that are unknown: libmicrohttpd driven by Dispatch.
///
/// Everything of the library happens on one serial queue, the executor's, which must be a
/// `QueueExecutor.events`. Its epoll descriptor is watched by a Dispatch source. While a handler works, or a stream
/// has nothing to send, the connection is suspended; `MHD_resume_connection` does not wake the descriptor, so that
/// each resume is followed by `pump`.
///
/// A server is started once and stopped once; it lives until it is stopped.
package actor HTTPServer {
    private enum State {
        case idle, running, stopping, closing, stopped
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// Makes the reply for what the server refuses by itself: HTTP status, stable code (`ControlServerProblem`),
    /// a sentence.
    package typealias ProblemReply =
        @Sendable (_ status: Int, _ code: String, _ detail: String) -> ControlReply

    private let executor: QueueExecutor
    private let router: Router
    private let limits: ControlLimits
    private let problem: ProblemReply
    private let log: @Sendable (ControlServerEvent) -> Void

    private var state = State.idle
    private var daemon: MicroHTTPDaemon?
    private var listener: ListeningSocket?
    /// Requests whose header has come and that the library is not done with.
    private var active: [UInt64: Exchange] = [:]
    private var epoll: (any DispatchSourceRead)?
    private var pumpTimer: (any DispatchSourceTimer)?
    private var blankLineTimer: (any DispatchSourceTimer)?
    private var roomTimer: (any DispatchSourceTimer)?
    private var stopTimer: (any DispatchSourceTimer)?
    private var pumpIsQueued = false
    private var stopWaiters: [CheckedContinuation<Void, Never>] = []
    private var libraryMessage = ""

    /// - Parameters:
    ///   - executor: a `QueueExecutor.events` of its own.
    ///   - log: called on the control queue; must not block.
    package init(
        routes: [ControlRoute], limits: ControlLimits = ControlLimits(), executor: QueueExecutor,
        problem: @escaping ProblemReply,
        log: @escaping @Sendable (ControlServerEvent) -> Void = { _ in }
    ) {
        router = Router(routes)
        self.limits = limits
        self.executor = executor
        self.problem = problem
        self.log = log
    }

    /// Clients are served from here on. A failed start leaves nothing behind.
    package func start(_ place: ControlListener) throws(ControlServerFailure) {
        guard state == .idle else { throw .alreadyStarted }
        let listener = try ListeningSocket(place)
        let isTCP = if case .tcp = place { true } else { false }
        guard
            let daemon = MicroHTTPDaemon(
                listener: listener.descriptor, knowsPeers: !isTCP, limits: limits,
                callbacks: callbacks())
        else {
            listener.unlinkFile()
            close(listener.descriptor)
            throw .library(libraryMessage)
        }
        self.listener = listener
        self.daemon = daemon
        state = .running
        watch(daemon)
        pump()
    }

    /// Takes no more clients, answers 503 to requests at work (their tasks are cancelled, not awaited), ends streams,
    /// and returns when all replies have left or `stopInterval` is over. Later calls wait for the first.
    package func stop() async {
        switch state {
        case .idle: state = .stopped
        case .running: beginStop()
        case .stopping, .closing, .stopped: break
        }
        if state == .stopped { return }
        await withCheckedContinuation { stopWaiters.append($0) }
    }
}

// MARK: - Driving the library

extension HTTPServer {
    private func watch(_ daemon: MicroHTTPDaemon) {
        let queue = executor.queue
        let source = DispatchSource.makeReadSource(
            fileDescriptor: daemon.epollDescriptor, queue: queue)
        source.setEventHandler { self.pump() }
        // The library closes the descriptor, which the source must have let go by then.
        source.setCancelHandler { self.finishStop() }
        source.activate()
        epoll = source
        pumpTimer = timer { self.pump() }
        roomTimer = timer { self.pump() }
        blankLineTimer = timer { self.sendBlankLines() }
        let interval = limits.blankLineInterval.dispatchInterval
        blankLineTimer?.schedule(deadline: .now() + interval, repeating: interval)
    }

    /// Fires when it is scheduled.
    private func timer(_ handler: @escaping () -> Void) -> any DispatchSourceTimer {
        let timer = DispatchSource.makeTimerSource(queue: executor.queue)
        timer.setEventHandler(handler: handler)
        timer.schedule(deadline: .distantFuture)
        timer.activate()
        return timer
    }

    /// Lets the library work and arms the timer that it asks for.
    private func pump() {
        guard let daemon else { return }
        let runsAgain = daemon.run()
        switch daemon.timeout {
        case _ where runsAgain, 0?:
            pumpAgain()
        case let milliseconds?:
            pumpTimer?.schedule(deadline: .now() + .milliseconds(Int(clamping: milliseconds)))
        case nil:
            pumpTimer?.schedule(deadline: .distantFuture)
        }
        if state == .running { makeRoom(daemon) }
        if state == .stopping, active.values.allSatisfy(\.isReceiving) { closeDown() }
    }

    /// A full library does not look at its listener: while it is full this server does.
    private func makeRoom(_ daemon: MicroHTTPDaemon) {
        guard daemon.isFull else {
            roomTimer?.schedule(deadline: .distantFuture)
            return
        }
        if listener?.hasWaitingClient == true {
            daemon.endLongestIdle(since: .now - limits.crowdedIdle)
        }
        roomTimer?.schedule(deadline: .now() + limits.crowdedIdle.dispatchInterval)
    }

    /// By way of the queue, so that replies and timers get their turn.
    private func pumpAgain() {
        guard !pumpIsQueued else { return }
        pumpIsQueued = true
        executor.queue.async {
            self.assumeIsolated { server in
                server.pumpIsQueued = false
                server.pump()
            }
        }
    }

    private func beginStop() {
        state = .stopping
        daemon?.quiesce()
        if let listener {
            listener.unlinkFile()
            close(listener.descriptor)
        }
        for exchange in active.values { interrupt(exchange) }
        stopTimer = timer { self.closeDown() }
        stopTimer?.schedule(deadline: .now() + limits.stopInterval.dispatchInterval)
        pump()
    }

    private func interrupt(_ exchange: Exchange) {
        exchange.abandon()
        if case .handling = exchange.phase {
            exchange.phase = .ready(refusal(.stopping, "the server is stopping"))
        }
        daemon?.resume(exchange)
    }

    private func closeDown() {
        guard state == .stopping else { return }
        state = .closing
        for timer in [pumpTimer, roomTimer, blankLineTimer, stopTimer] { timer?.cancel() }
        epoll?.cancel()
    }

    private func finishStop() {
        daemon?.shutDown()
        daemon = nil
        (epoll, pumpTimer, roomTimer, blankLineTimer, stopTimer) = (nil, nil, nil, nil, nil)
        state = .stopped
        for waiter in stopWaiters { waiter.resume() }
        stopWaiters = []
    }
}

// MARK: - Requests

extension HTTPServer {
    private func callbacks() -> MicroHTTPDaemon.Callbacks {
        MicroHTTPDaemon.Callbacks(
            headers: { self.takeHeaders($0) },
            body: { self.takeBody($0, $1) },
            complete: { self.takeRequest($0) },
            end: { self.end($0, delivered: $1) },
            log: { line in
                self.libraryMessage = line
                self.log(.library(line))
            })
    }

    /// An announced body that is too large is not even read; the connection cannot be used after that.
    private func takeHeaders(_ exchange: Exchange) -> MicroHTTPDaemon.Step {
        active[exchange.id] = exchange
        guard exchange.contentLength ?? 0 > limits.bodyBytes else { return .proceed }
        return .answer(bodyRefusal(), closing: true)
    }

    /// The library takes no reply in the middle of a body: the rest is thrown away, within reason.
    private func takeBody(
        _ exchange: Exchange, _ part: UnsafeRawBufferPointer
    ) -> MicroHTTPDaemon.Step {
        exchange.receivedBytes += part.count
        if exchange.receivedBytes <= limits.bodyBytes {
            exchange.body.append(contentsOf: part)
            return .proceed
        }
        exchange.body = []
        return exchange.receivedBytes <= limits.bodyBytes * 8 ? .proceed : .drop
    }

    private func takeRequest(_ exchange: Exchange) -> MicroHTTPDaemon.Step {
        switch exchange.phase {
        case .receiving: begin(exchange)
        case .handling: .suspend
        case .ready(let reply): deliver(reply, exchange)
        case .replied: .proceed
        }
    }

    private func begin(_ exchange: Exchange) -> MicroHTTPDaemon.Step {
        if state != .running {
            return answer(refusal(.stopping, "the server is stopping"))
        }
        if exchange.headerBytes > limits.headerBytes {
            return answer(
                refusal(
                    .headersTooLarge,
                    "the header has \(exchange.headerBytes) bytes; at most \(limits.headerBytes) are taken"
                ))
        }
        if exchange.receivedBytes > limits.bodyBytes { return answer(bodyRefusal()) }
        switch router.route(method: exchange.method, path: exchange.target.path) {
        case .notFound:
            return answer(refusal(.notFound, "there is nothing at \(exchange.target.path)"))
        case .malformed:
            return answer(
                refusal(
                    .badRequest,
                    "the path \(exchange.target.path) has a broken percent escape or is not UTF-8"))
        case .methodNotAllowed(let allow):
            let list = allow.joined(separator: ", ")
            var reply = refusal(
                .methodNotAllowed,
                "\(exchange.method) is not possible at \(exchange.target.path), only \(list)")
            reply.headers.append(("Allow", list))
            return answer(reply)
        case .found(let route, let parameters):
            return handle(exchange, route, parameters)
        }
    }

    private func handle(
        _ exchange: Exchange, _ route: ControlRoute, _ parameters: [String: String]
    ) -> MicroHTTPDaemon.Step {
        guard let query = exchange.target.query() else {
            return answer(
                refusal(.badRequest, "the query has a broken percent escape or is not UTF-8"))
        }
        guard let peer = exchange.peer else {
            return answer(refusal(.internalError, "the kernel does not say who asks"))
        }
        let request = ControlRequest(
            id: exchange.id, method: exchange.method, path: exchange.target.path,
            parameters: parameters, query: query, headers: exchange.headers, body: exchange.body,
            peer: peer)
        exchange.body = []
        exchange.phase = .handling
        exchange.work = Task { @concurrent in
            let reply = await route.handler(request)
            await self.finish(request.id, reply)
        }
        return .suspend
    }

    /// The handler's reply. Too late when the server stopped meanwhile.
    private func finish(_ id: UInt64, _ reply: ControlReply) {
        guard let exchange = active[id], case .handling = exchange.phase else { return }
        exchange.phase = .ready(
            (200...599).contains(reply.status)
                ? reply : refusal(.internalError, "the handler's status is \(reply.status)"))
        daemon?.resume(exchange)
        pump()
    }

    private func deliver(_ reply: ControlReply, _ exchange: Exchange) -> MicroHTTPDaemon.Step {
        // A HEAD's stream is never read.
        if case .stream(let chunks) = reply.body, exchange.method != "HEAD" {
            guard state == .running else {
                return answer(refusal(.stopping, "the server is stopping"))
            }
            exchange.stream = StreamBuffer()
            feed(exchange.id, from: chunks, exchange)
        }
        return answer(reply)
    }

    private func answer(_ reply: ControlReply) -> MicroHTTPDaemon.Step {
        .answer(reply, closing: state != .running)
    }

    private func end(_ exchange: Exchange, delivered: Bool) {
        exchange.abandon()
        guard active.removeValue(forKey: exchange.id) != nil else { return }
        log(
            .finished(
                id: exchange.id, method: exchange.method, path: exchange.target.path,
                status: exchange.status, delivered: delivered))
    }

    private func bodyRefusal() -> ControlReply {
        refusal(
            .payloadTooLarge, "the body is too large; at most \(limits.bodyBytes) bytes are taken")
    }

    private func refusal(_ problem: ControlServerProblem, _ detail: String) -> ControlReply {
        self.problem(problem.status, problem.rawValue, detail)
    }
}

// MARK: - Streams

extension HTTPServer {
    private func feed(
        _ id: UInt64, from chunks: any AsyncSequence<[UInt8], Never> & Sendable,
        _ exchange: Exchange
    ) {
        exchange.work = Task { @concurrent in
            for await chunk in chunks {
                guard await self.send(chunk, on: id) else { return }
            }
            await self.endStream(id)
        }
    }

    /// Returns when there is room for more; false when the stream is over.
    private func send(_ chunk: [UInt8], on id: UInt64) async -> Bool {
        guard let exchange = active[id], let stream = exchange.stream else { return false }
        stream.append(chunk)
        daemon?.resume(exchange)
        pump()
        if stream.count > limits.streamBufferBytes {
            await withCheckedContinuation { stream.waitForSpace($0) }
        }
        return !stream.isEnded
    }

    private func endStream(_ id: UInt64) {
        guard let exchange = active[id] else { return }
        exchange.stream?.end()
        daemon?.resume(exchange)
        pump()
    }

    /// Shows clients that a quiet stream is alive, and the server which of them have left.
    private func sendBlankLines() {
        for exchange in active.values where exchange.stream?.appendBlankLine() == true {
            daemon?.resume(exchange)
        }
        pump()
    }
}

extension Duration {
    /// Saturates.
    fileprivate var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        return .nanoseconds(
            Int(clamping: Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)))
    }
}
