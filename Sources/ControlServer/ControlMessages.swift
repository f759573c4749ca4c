/// Who is at the other end of a connection, as the kernel recorded it when the client connected
/// (`SO_PEERCRED`, `SO_PEERGROUPS`). In a user namespace (`PrivateUsers=yes`) strangers read as 65534.
package struct ControlPeer: Sendable, Equatable {
    package let uid: UInt32
    package let gid: UInt32
    package let pid: Int32
    /// The supplementary groups.
    package let groups: [UInt32]

    package init(uid: UInt32, gid: UInt32, pid: Int32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        self.pid = pid
        self.groups = groups
    }

    /// Whoever asks over TCP: the kernel's "nobody" (`/proc/sys/kernel/overflowuid`).
    package static let unknown = ControlPeer(uid: 65534, gid: 65534, pid: 0, groups: [])
}

/// One request, complete with its body.
package struct ControlRequest: Sendable {
    /// Counts up from 1 within one server.
    package let id: UInt64
    /// As sent; a HEAD that a GET route serves says `HEAD`.
    package let method: String
    /// As sent, percent-encoded, without the query.
    package let path: String
    /// What the route's `{name}` segments matched, percent-decoded.
    package let parameters: [String: String]
    /// In order, decoded; `+` is a space, as in HTML forms. A name without `=` has an empty value.
    package let query: [(name: String, value: String)]
    /// In order, names as sent.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    package let peer: ControlPeer

    package init(
        id: UInt64, method: String, path: String, parameters: [String: String],
        query: [(name: String, value: String)], headers: [(name: String, value: String)],
        body: [UInt8], peer: ControlPeer
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.parameters = parameters
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    /// The value of the first header field of that name, whatever its case.
    package func header(_ name: String) -> String? {
        headers.first { equalsIgnoringCase($0.name, name) }?.value
    }
}

/// What a handler answers.
package struct ControlReply: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Chunks as they come. Each should end in a line feed: the blank line that shows a quiet stream to be
        /// alive is only put between lines. The sequence is cancelled when the client leaves or the server stops.
        case stream(any AsyncSequence<[UInt8], Never> & Sendable)
    }

    /// 200 to 599.
    package var status: Int
    package var contentType: String
    /// Beside Content-Type and those of the framing. A field with a line break in it is left out.
    package var headers: [(name: String, value: String)]
    package var body: Body

    package init(
        status: Int = 200, contentType: String, headers: [(name: String, value: String)] = [],
        body: Body
    ) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }
}

/// One method on one pattern of paths.
package struct ControlRoute: Sendable {
    /// In capitals. A GET route serves HEAD too.
    package let method: String
    /// `/v1/things/{thing}`: a segment in braces matches one non-empty segment. A literal segment wins over braces.
    package let pattern: String
    /// Runs off the control queue, in a task that is cancelled when the server stops. A client that leaves is not
    /// noticed while a handler runs.
    package let handler: @Sendable (ControlRequest) async -> ControlReply

    package init(
        _ method: String, _ pattern: String,
        handler: @escaping @Sendable (ControlRequest) async -> ControlReply
    ) {
        self.method = method
        self.pattern = pattern
        self.handler = handler
    }
}

/// The bounds of one server; the defaults are those of the design.
package struct ControlLimits: Sendable {
    /// Request line and header fields; more is answered 431.
    package var headerBytes = 16 * 1024
    /// More is answered 413.
    package var bodyBytes = 1024 * 1024
    /// More wait in the listener's backlog, until `crowdedIdle` makes room.
    package var connections = 64
    /// A connection without traffic is closed after this; whole seconds.
    package var idleSeconds = 30
    /// When all places are taken and a client waits, the connection that has held its place for longest without a
    /// complete request is closed, once that is so long.
    package var crowdedIdle = Duration.seconds(1)
    /// How often an open stream without data gets a blank line.
    package var blankLineInterval = Duration.seconds(15)
    /// A stream's sequence is not asked for more while this much waits for the client.
    package var streamBufferBytes = 64 * 1024
    /// How long `stop` waits for replies to leave.
    package var stopInterval = Duration.seconds(5)

    package init() {}
}

/// What a server answers of its own accord. The raw value is the code handed to the `problem` closure.
package enum ControlServerProblem: String, Sendable, CaseIterable {
    case badRequest, notFound, methodNotAllowed, payloadTooLarge, headersTooLarge, internalError
    case stopping

    /// The HTTP status.
    package var status: Int {
        switch self {
        case .badRequest: 400
        case .notFound: 404
        case .methodNotAllowed: 405
        case .payloadTooLarge: 413
        case .headersTooLarge: 431
        case .internalError: 500
        case .stopping: 503
        }
    }
}

/// What a server tells its log. Called on the control queue: must not block.
package enum ControlServerEvent: Sendable, Equatable {
    /// A request is over. `status` is nil when none was answered; `delivered` is false when the connection broke first.
    case finished(id: UInt64, method: String, path: String, status: Int?, delivered: Bool)
    /// A message of libmicrohttpd.
    case library(String)
}

func equalsIgnoringCase(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8) { lowercased($0) == lowercased($1) }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    (65...90).contains(byte) ? byte | 0x20 : byte
}
