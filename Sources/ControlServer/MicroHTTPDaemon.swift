internal import CMicroHTTPD
internal import Glibc

/// A connection of libmicrohttpd; valid until its exchange has ended.
struct ConnectionHandle {
    fileprivate let pointer: OpaquePointer
}

/// libmicrohttpd in external polling: every call, and so every callback, happens on the control queue. The callbacks
/// come from within `run` and `shutDown` and must call neither.
final class MicroHTTPDaemon {
    /// What the library does next with an exchange.
    enum Step {
        case proceed
        /// Nothing until `resume`.
        case suspend
        case answer(ControlReply, closing: Bool)
        /// Closes the connection without a reply.
        case drop
    }

    struct Callbacks {
        /// The header fields are there.
        let headers: (Exchange) -> Step
        /// A part of the body is there.
        let body: (Exchange, UnsafeRawBufferPointer) -> Step
        /// The request is complete, or its connection was resumed.
        let complete: (Exchange) -> Step
        /// The library is done with the exchange; true when the whole reply was handed to the kernel.
        let end: (Exchange, Bool) -> Void
        let log: (String) -> Void
    }

    private let callbacks: Callbacks
    private let knowsPeers: Bool
    private let table = UnsafeMutablePointer<mhd_callbacks>.allocate(capacity: 1)
    private var daemon: OpaquePointer?
    private var nextID: UInt64 = 1
    private let maximumConnections: Int
    /// Since when a connection holds its place without a complete request; nil while one is at work.
    private var places: [OpaquePointer: ContinuousClock.Instant?] = [:]

    /// Level-triggered: readable when `run` has something to do.
    var epollDescriptor: Int32 { daemon.map { mhd_epoll_descriptor($0) } ?? -1 }

    /// Nil when the library refuses; it has then told the log.
    /// - Parameter knowsPeers: the listener is a Unix socket.
    init?(listener: Int32, knowsPeers: Bool, limits: ControlLimits, callbacks: Callbacks) {
        self.callbacks = callbacks
        self.knowsPeers = knowsPeers
        maximumConnections = limits.connections
        table.initialize(
            to: mhd_callbacks(
                context: Unmanaged.passUnretained(self).toOpaque(), access: accessHandler,
                begin: beginHandler, end: endHandler, connection: connectionHandler,
                log: logHandler))
        // The library keeps the header fields, its index of them and the reply's head in this pool. It answers 431
        // itself where even the pool is too small.
        daemon = mhd_start(
            listener, limits.headerBytes * 4, UInt32(limits.connections),
            UInt32(limits.idleSeconds), table)
        if daemon == nil { return nil }
    }

    deinit {
        precondition(daemon == nil, "shutDown comes before the end")
        table.deallocate()
    }

    /// Does what there is to do; never blocks. True when it must be called once more.
    func run() -> Bool {
        guard let daemon else { return false }
        let before = mhd_open_connections(daemon)
        MHD_run(daemon)
        // A full library does not listen; it looks again only at the beginning of a run, before it has closed what
        // makes room. Without another run the clients in the backlog would wait for the next event.
        return mhd_open_connections(daemon) < before
    }

    /// No client is accepted at present.
    var isFull: Bool { places.count >= maximumConnections }

    /// Ends the connection that has gone without a complete request for longest, if that is since `moment` at least.
    /// Takes effect with `run`, which the epoll descriptor asks for.
    func endLongestIdle(since moment: ContinuousClock.Instant) {
        let idle = places.compactMap { connection, since in since.map { (connection, $0) } }
        guard let (connection, since) = idle.min(by: { $0.1 < $1.1 }), since <= moment else {
            return
        }
        // Not twice, should the library look at others first.
        places[connection] = .some(nil)
        shutdown(mhd_connection_descriptor(connection), Int32(SHUT_RDWR))
    }

    /// Milliseconds until `run` must be called again whatever the descriptor says; nil for never.
    var timeout: UInt64? {
        var milliseconds: CUnsignedLongLong = 0
        guard let daemon, MHD_get_timeout(daemon, &milliseconds) == .YES else { return nil }
        return UInt64(milliseconds)
    }

    /// Takes effect, and is seen by the epoll descriptor, only after `run`.
    func resume(_ exchange: Exchange) {
        guard exchange.isSuspended else { return }
        exchange.isSuspended = false
        MHD_resume_connection(exchange.connection.pointer)
    }

    /// No more connections are accepted. The caller closes the listener.
    func quiesce() {
        if let daemon { MHD_quiesce_daemon(daemon) }
    }

    /// Closes all connections. None may be suspended: the library would abort the process.
    func shutDown() {
        if let daemon { MHD_stop_daemon(daemon) }
        daemon = nil
    }

    fileprivate func begin(_ target: UnsafePointer<CChar>?, _ connection: OpaquePointer) -> Exchange
    {
        defer { nextID += 1 }
        places[connection] = .now
        return Exchange(
            id: nextID, target: target.map { String(cString: $0) } ?? "",
            connection: ConnectionHandle(pointer: connection))
    }

    fileprivate func access(
        _ exchange: Exchange, method: UnsafePointer<CChar>, upload: UnsafeRawBufferPointer
    ) -> MHD_Result {
        let step: Step
        if !exchange.headersSeen {
            exchange.headersSeen = true
            describe(exchange, method)
            step = callbacks.headers(exchange)
        } else if upload.isEmpty {
            step = callbacks.complete(exchange)
        } else {
            step = callbacks.body(exchange, upload)
        }
        return perform(step, exchange)
    }

    fileprivate func end(_ exchange: Exchange, _ reason: MHD_RequestTerminationCode) {
        let connection = exchange.connection.pointer
        if places.keys.contains(connection) { places[connection] = .now }
        callbacks.end(exchange, reason == .REQUEST_TERMINATED_COMPLETED_OK)
    }

    fileprivate func note(_ connection: OpaquePointer, isOpen: Bool) {
        places[connection] = isOpen ? .some(.now) : nil
    }

    fileprivate func log(_ line: String) {
        callbacks.log(line)
    }

    private func describe(_ exchange: Exchange, _ method: UnsafePointer<CChar>) {
        let connection = exchange.connection.pointer
        exchange.method = String(cString: method)
        exchange.headerBytes = mhd_header_bytes(connection)
        exchange.peer =
            knowsPeers ? peer(ofSocket: mhd_connection_descriptor(connection)) : .unknown
        MHD_get_connection_values_n(
            connection, .HEADER_KIND, headerIterator,
            Unmanaged.passUnretained(exchange).toOpaque())
    }

    private func perform(_ step: Step, _ exchange: Exchange) -> MHD_Result {
        switch step {
        case .proceed:
            return .YES
        case .suspend:
            places[exchange.connection.pointer] = .some(nil)
            exchange.isSuspended = true
            MHD_suspend_connection(exchange.connection.pointer)
            return .YES
        case .drop:
            return .NO
        case .answer(let reply, let closing):
            return answer(exchange, reply, closing: closing)
        }
    }

    private func answer(_ exchange: Exchange, _ reply: ControlReply, closing: Bool) -> MHD_Result {
        guard let response = response(for: reply.body, exchange) else { return .NO }
        defer { MHD_destroy_response(response) }
        var fields = reply.headers
        fields.append(("Content-Type", reply.contentType))
        if closing { fields.append(("Connection", "close")) }
        for (name, value) in fields where MHD_add_response_header(response, name, value) != .YES {
            log("left out the reply field \"\(name)\": its name or its value is not allowed")
        }
        places[exchange.connection.pointer] = .some(nil)
        exchange.status = reply.status
        exchange.phase = .replied
        return MHD_queue_response(exchange.connection.pointer, UInt32(reply.status), response)
    }

    private func response(for body: ControlReply.Body, _ exchange: Exchange) -> OpaquePointer? {
        guard case .bytes(let bytes) = body else {
            return MHD_create_response_from_callback(
                unknownSize, 32 * 1024, streamReader,
                Unmanaged.passRetained(exchange).toOpaque(), streamRelease)
        }
        return bytes.withUnsafeBytes { raw in
            // The library only reads what it is told to copy.
            MHD_create_response_from_buffer(
                raw.count, UnsafeMutableRawPointer(mutating: raw.baseAddress),
                .RESPMEM_MUST_COPY)
        }
    }
}

private let unknownSize = UInt64.max
private let endOfStream = -1

private func daemon(_ context: UnsafeMutableRawPointer?) -> MicroHTTPDaemon {
    Unmanaged<MicroHTTPDaemon>.fromOpaque(context!).takeUnretainedValue()
}

private func exchange(_ context: UnsafeMutableRawPointer) -> Exchange {
    Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
}

/// The library keeps the result, retained here, as the request's context until `endHandler`.
private let beginHandler:
    @convention(c) (
        UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?
    ) -> UnsafeMutableRawPointer? = { context, target, connection in
        connection.map {
            Unmanaged.passRetained(daemon(context).begin(target, $0)).toOpaque()
        }
    }

private let accessHandler: MHD_AccessHandlerCallback = {
    context, _, _, method, _, upload, uploadSize, request in
    guard let method, let uploadSize, let request = request?.pointee else { return .NO }
    let part = UnsafeRawBufferPointer(start: upload, count: uploadSize.pointee)
    uploadSize.pointee = 0
    return daemon(context).access(exchange(request), method: method, upload: part)
}

private let endHandler: MHD_RequestCompletedCallback = { context, _, request, reason in
    guard let slot = request, let pointer = slot.pointee else { return }
    slot.pointee = nil
    daemon(context).end(Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue(), reason)
}

private let connectionHandler: MHD_NotifyConnectionCallback = { context, connection, _, code in
    guard let connection else { return }
    daemon(context).note(connection, isOpen: code == .CONNECTION_NOTIFY_STARTED)
}

private let logHandler: mhd_log_line = { context, line in
    guard let line else { return }
    daemon(context).log(String(cString: line))
}

private let headerIterator: MHD_KeyValueIteratorN = {
    context, _, name, nameSize, value, valueSize in
    guard let context else { return .NO }
    exchange(context).headers.append((text(name, nameSize), text(value, valueSize)))
    return .YES
}

private func text(_ start: UnsafePointer<CChar>?, _ size: Int) -> String {
    String(
        decoding: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : size),
        as: UTF8.self)
}

/// An empty buffer suspends the connection; what is appended later resumes it.
private let streamReader: MHD_ContentReaderCallback = { context, _, room, size in
    guard let context, let stream = exchange(context).stream else { return endOfStream }
    let length = stream.read(into: UnsafeMutableRawBufferPointer(start: room, count: size))
    if length > 0 { return length }
    if stream.isEnded { return endOfStream }
    exchange(context).isSuspended = true
    MHD_suspend_connection(exchange(context).connection.pointer)
    return 0
}

private let streamRelease: MHD_ContentReaderFreeCallback = { context in
    if let context { Unmanaged<Exchange>.fromOpaque(context).release() }
}

/// Nil when the socket says nothing of its peer.
private func peer(ofSocket descriptor: Int32) -> ControlPeer? {
    var credentials = peer_credentials()
    guard peer_credentials_of(descriptor, &credentials) == 0 else { return nil }
    var groups = [UInt32](repeating: 0, count: 64)
    var count = groups.count
    if peer_groups_of(descriptor, &groups, &count) != 0 {
        // NGROUPS_MAX, so the kernel never asks for more.
        guard errno == ERANGE, count <= 65_536 else { return nil }
        groups = [UInt32](repeating: 0, count: count)
        guard peer_groups_of(descriptor, &groups, &count) == 0 else { return nil }
    }
    return ControlPeer(
        uid: credentials.uid, gid: credentials.gid, pid: credentials.pid,
        groups: Array(groups.prefix(count)))
}
