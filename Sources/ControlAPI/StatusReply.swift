package import Domain

/// The answer of `GET /v1/status`.
package struct StatusReply: Codable, Sendable {
    package struct Queue: Codable, Sendable {
        package struct DeadLetter: Codable, Sendable {
            package var queue: String
            package var maxReceiveCount: Int
            package var messages: Int?

            package init(queue: String, maxReceiveCount: Int, messages: Int? = nil) {
                self.queue = queue
                self.maxReceiveCount = maxReceiveCount
                self.messages = messages
            }
        }

        package var url: String
        /// `starting`, `receiving`, `backingOff`, `paused` or `stopped`.
        package var state: String
        package var pollers: Int
        package var lastReceiveAt: Timestamp?
        package var lastMessageAt: Timestamp?
        package var lastTestEventAt: Timestamp?
        package var visible: Int?
        package var inFlight: Int?
        package var oldestAgeSeconds: Int?
        package var retentionSeconds: Int?
        package var deadLetter: DeadLetter?

        package init(
            url: String, state: String, pollers: Int, lastReceiveAt: Timestamp? = nil,
            lastMessageAt: Timestamp? = nil, lastTestEventAt: Timestamp? = nil, visible: Int? = nil,
            inFlight: Int? = nil, oldestAgeSeconds: Int? = nil, retentionSeconds: Int? = nil,
            deadLetter: DeadLetter? = nil
        ) {
            self.url = url
            self.state = state
            self.pollers = pollers
            self.lastReceiveAt = lastReceiveAt
            self.lastMessageAt = lastMessageAt
            self.lastTestEventAt = lastTestEventAt
            self.visible = visible
            self.inFlight = inFlight
            self.oldestAgeSeconds = oldestAgeSeconds
            self.retentionSeconds = retentionSeconds
            self.deadLetter = deadLetter
        }
    }

    package struct Log: Codable, Sendable {
        package var bytes: Int64
        package var segments: Int
        package var appendedLSN: UInt64
        package var syncedLSN: UInt64
        package var appliedLSN: UInt64
        /// The reason why intake waits for the log; absent while it does not.
        package var paused: String?

        package init(
            bytes: Int64, segments: Int, appendedLSN: UInt64, syncedLSN: UInt64, appliedLSN: UInt64,
            paused: String? = nil
        ) {
            self.bytes = bytes
            self.segments = segments
            self.appendedLSN = appendedLSN
            self.syncedLSN = syncedLSN
            self.appliedLSN = appliedLSN
            self.paused = paused
        }
    }

    /// What the store itself says is absent while it cannot be read.
    package struct Store: Codable, Sendable {
        package var failures: Int64?
        /// Records in the log that the store has not applied yet.
        package var lagRecords: Int64
        package var bytes: Int64?
        package var schemaVersion: Int?
        /// Messages in quarantine.
        package var quarantined: Int64?
        /// Failures whose first event was older than closed failures are kept: they began in `verifying`.
        package var tooOld: Int64?

        package init(
            failures: Int64?, lagRecords: Int64, bytes: Int64?, schemaVersion: Int?,
            quarantined: Int64?, tooOld: Int64?
        ) {
            self.failures = failures
            self.lagRecords = lagRecords
            self.bytes = bytes
            self.schemaVersion = schemaVersion
            self.quarantined = quarantined
            self.tooOld = tooOld
        }
    }

    package struct Remediations: Codable, Sendable {
        package var running: Int
        package var queued: Int

        package init(running: Int, queued: Int) {
            self.running = running
            self.queued = queued
        }
    }

    package struct Problem: Codable, Sendable {
        /// Stable, for scripts.
        package var code: String
        /// A sentence that names the thing, the value and the fix.
        package var message: String
        package var since: Timestamp

        package init(code: String, message: String, since: Timestamp) {
            self.code = code
            self.message = message
            self.since = since
        }
    }

    package var version: String
    package var uptimeSeconds: Int
    /// `running`, `paused`, `degraded` or `stopping`.
    package var state: String
    /// When the operator's pause ends by itself; absent without one.
    package var pausedUntil: Timestamp?
    package var queues: [Queue]
    package var log: Log
    package var store: Store
    /// Absent while the store cannot be read.
    package var remediations: Remediations?
    package var problems: [Problem]

    package init(
        version: String, uptimeSeconds: Int, state: String, pausedUntil: Timestamp? = nil,
        queues: [Queue], log: Log, store: Store, remediations: Remediations?, problems: [Problem]
    ) {
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.state = state
        self.pausedUntil = pausedUntil
        self.queues = queues
        self.log = log
        self.store = store
        self.remediations = remediations
        self.problems = problems
    }
}

/// The answer of `GET /v1/health`: 200 while ready and live, else 503.
package struct HealthReply: Codable, Sendable {
    /// `ok`, `failing` or `stopping`.
    package var status: String
    /// The parts that are not live.
    package var failing: [String]

    package init(status: String, failing: [String]) {
        self.status = status
        self.failing = failing
    }
}

/// An error of the control channel: `application/problem+json` (RFC 9457).
package struct ProblemReply: Codable, Sendable, Error {
    package var type: String
    package var title: String
    package var status: Int
    /// Stable, for scripts.
    package var code: String
    /// A sentence.
    package var detail: String
}

/// The codes of `ProblemReply`, each with its HTTP status.
package enum ProblemCode: String, Sendable, CaseIterable {
    case badRequest, unknownFilter, badCursor
    case notPermitted
    case notFound, noSuchRule, noSuchRemediation, noSuchFailure, noSuchQuarantined
    case methodNotAllowed
    case countChanged, tooManyFailures, stillUndecodable
    case nothingToDo, planChanged, batchNotConfigured, remediationRefused
    case configurationRefused
    case idempotencyKeyReused
    case payloadTooLarge, headersTooLarge
    case internalError
    case stopping, temporarilyUnavailable

    /// The HTTP status of the code.
    package var status: Int {
        switch self {
        case .badRequest, .unknownFilter, .badCursor: 400
        case .notPermitted: 403
        case .notFound, .noSuchRule, .noSuchRemediation, .noSuchFailure, .noSuchQuarantined: 404
        case .methodNotAllowed: 405
        case .countChanged, .tooManyFailures, .stillUndecodable: 409
        case .nothingToDo, .planChanged, .batchNotConfigured, .remediationRefused: 409
        case .configurationRefused: 409
        case .payloadTooLarge: 413
        case .idempotencyKeyReused: 422
        case .headersTooLarge: 431
        case .internalError: 500
        case .stopping, .temporarilyUnavailable: 503
        }
    }

    /// The HTTP title.
    package var title: String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 422: "Unprocessable Content"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: "Internal Server Error"
        }
    }

    /// The problem with its sentence.
    package func problem(_ detail: String) -> ProblemReply {
        ProblemReply(
            type: "about:blank", title: title, status: status, code: rawValue, detail: detail)
    }
}
