/// One request on its way through the server, and its reply. Confined to the control queue.
final class Exchange {
    enum Phase {
        /// The body still comes in.
        case receiving
        /// A handler works on it; the connection is suspended.
        case handling
        /// The reply waits for the library to ask for it.
        case ready(ControlReply)
        /// The library has the reply.
        case replied
    }

    let id: UInt64
    let target: RequestTarget
    let connection: ConnectionHandle
    var phase = Phase.receiving
    var isSuspended = false
    /// The library's first call for a request comes before its body.
    var headersSeen = false
    var method = ""
    var headers: [(name: String, value: String)] = []
    var headerBytes = 0
    var peer: ControlPeer?
    var body: [UInt8] = []
    /// All bytes of the body that came, kept or not.
    var receivedBytes = 0
    /// Of the reply, once known.
    var status: Int?
    var stream: StreamBuffer?
    /// Runs the handler, later feeds the stream.
    var work: Task<Void, Never>?

    init(id: UInt64, target: String, connection: ConnectionHandle) {
        self.id = id
        self.target = RequestTarget(target)
        self.connection = connection
    }

    /// The body's announced length; nil when there is none.
    var contentLength: Int? {
        headers.first { equalsIgnoringCase($0.name, "Content-Length") }.flatMap { Int($0.value) }
    }

    /// Its body has not come in full: nobody waits for a reply yet.
    var isReceiving: Bool {
        if case .receiving = phase { true } else { false }
    }

    /// Stops everything that works for this exchange.
    func abandon() {
        work?.cancel()
        stream?.end()
    }
}

/// What a streamed reply still has to send. Confined to the control queue.
final class StreamBuffer {
    private var bytes: [UInt8] = []
    private var start = 0
    private var atLineStart = true
    private var spaceWaiter: CheckedContinuation<Void, Never>?
    private(set) var isEnded = false

    var count: Int { bytes.count - start }

    func append(_ chunk: [UInt8]) {
        guard !isEnded, let last = chunk.last else { return }
        bytes.append(contentsOf: chunk)
        atLineStart = last == UInt8(ascii: "\n")
    }

    /// A blank line for a quiet stream; false where it would cut a line in two or where data waits anyway.
    func appendBlankLine() -> Bool {
        guard !isEnded, count == 0, atLineStart else { return false }
        bytes.append(UInt8(ascii: "\n"))
        return true
    }

    /// Moves out at most `room.count` bytes.
    func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        let length = min(room.count, count)
        room.copyBytes(from: bytes[start..<start + length])
        start += length
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
            wakeSpaceWaiter()
        }
        return length
    }

    /// What was appended is still sent.
    func end() {
        isEnded = true
        wakeSpaceWaiter()
    }

    /// Resumed when everything was read, or at the end.
    func waitForSpace(_ continuation: CheckedContinuation<Void, Never>) {
        precondition(spaceWaiter == nil, "a stream has one feeder")
        spaceWaiter = continuation
        if isEnded || count == 0 { wakeSpaceWaiter() }
    }

    private func wakeSpaceWaiter() {
        spaceWaiter?.resume()
        spaceWaiter = nil
    }
}
