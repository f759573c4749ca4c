package import AWSProtocol
package import Domain

/// Credentials, and when they were handed out by the clock of who did, if it says.
package struct DatedCredentials: Sendable {
    package var credentials: AWSCredentials
    package var answeredAt: Timestamp?

    package init(credentials: AWSCredentials, answeredAt: Timestamp? = nil) {
        self.credentials = credentials
        self.answeredAt = answeredAt
    }

    /// Milliseconds from now to their expiration; nil for ever. Counted by the clock of who made them where this host's
    /// is wrong.
    /// - Parameter now: this host's wall clock.
    package func lifetime(now: Int64) -> Int64? {
        credentials.expiration.map { $0.milliseconds - trusted(now) }
    }

    /// A `Date` has whole seconds, so it is believed only where it shows a wrong clock.
    private func trusted(_ now: Int64) -> Int64 {
        guard let answeredAt else { return now }
        let skew = answeredAt.milliseconds - now
        return abs(skew) > ClockSkew.suspiciousMilliseconds ? answeredAt.milliseconds : now
    }
}

/// When held credentials are used, renewed beside their use, or renewed first: a state machine without clock or I/O.
/// Times are milliseconds of a monotonic clock.
///
/// The windows are botocore's: 15 minutes before the end a renewal begins beside the use, 10 minutes before the end
/// callers wait for it. Of a short life they are a quarter and a sixth. A failed renewal is tried again after 1 s,
/// doubled up to a minute; until the end, what is held is used. Credentials that outlive their expiration (those of
/// an instance) are used after it too, until a service refuses them.
/// Source: AWS SDKs and Tools Reference Guide, "IMDS credential provider"; botocore 1.43, credentials.py, utils.py.
package struct CredentialLife: Sendable {
    package enum Advice: Equatable, Sendable {
        case use(AWSCredentials)
        case useAndRenew(AWSCredentials)
        case renewFirst
        case fail(AWSFailure)
    }

    private struct Held: Sendable {
        var credentials: AWSCredentials
        var since: Int64
        /// From here on a renewal is due beside the use; then before it; then they are over.
        var advisory: Int64
        var mandatory: Int64
        var end: Int64
        var outlivesEnd: Bool
        var isRejected = false
    }

    private static let advisoryWindow: Int64 = 15 * 60_000
    private static let mandatoryWindow: Int64 = 10 * 60_000
    private static let longestPause: Int64 = 60_000
    /// Credentials younger than this that a service refuses are new to it, not old.
    private static let youth: Int64 = 1000

    private var held: Held?
    private var failure: AWSFailure?
    private var failures = 0
    private var nextTry = Int64.min

    package init() {}

    package func advice(at now: Int64) -> Advice {
        guard let usable = usable(at: now) else {
            guard let failure, now < nextTry else { return .renewFirst }
            return .fail(failure)
        }
        if now < usable.advisory || now < nextTry { return .use(usable.credentials) }
        return now < usable.mandatory ? .useAndRenew(usable.credentials) : .renewFirst
    }

    /// What whoever waited for a renewal gets once it ended, well or not.
    package func outcome(at now: Int64) -> Result<AWSCredentials, AWSFailure> {
        if let usable = usable(at: now) { return .success(usable.credentials) }
        return .failure(failure ?? .credentials("there are no AWS credentials"))
    }

    /// - Parameters:
    ///   - lifetime: milliseconds from now; nil for ever.
    ///   - jitter: 0 to 1.
    /// - Returns: true when the end was put off.
    package mutating func renewed(
        _ credentials: AWSCredentials, lifetime: Int64?, outlivesEnd: Bool, at now: Int64,
        jitter: Double
    ) -> Bool {
        let isOver = lifetime.map { $0 <= 0 } ?? false
        guard !isOver || outlivesEnd else {
            let end = credentials.expiration.map { "\($0)" } ?? ""
            failed(
                .credentials("the new AWS credentials have expired already, at \(end)"), at: now,
                jitter: jitter)
            return false
        }
        let life = isOver ? Self.extension(jitter) : lifetime
        let end = life.map { now + $0 } ?? .max
        held = Held(
            credentials: credentials, since: now,
            advisory: life.map { end - min(Self.advisoryWindow, $0 / 4) } ?? .max,
            mandatory: life.map { end - min(Self.mandatoryWindow, $0 / 6) } ?? .max, end: end,
            outlivesEnd: outlivesEnd)
        failure = nil
        failures = 0
        nextTry = .min
        return isOver
    }

    /// - Returns: true when the end of what is held was put off.
    @discardableResult
    package mutating func failed(_ failure: AWSFailure, at now: Int64, jitter: Double) -> Bool {
        self.failure = failure
        let pause = min(Self.longestPause, 1000 << min(Int64(failures), 6))
        failures += 1
        nextTry = now + pause / 2 + Int64(jitter * Double(pause / 2))
        guard let old = held, old.outlivesEnd, !old.isRejected, now >= old.mandatory else {
            return false
        }
        held?.end = now + Self.extension(jitter)
        // Nobody waits for the next attempts: they run beside the use.
        held?.mandatory = now + Self.extension(jitter) - Self.mandatoryWindow
        return true
    }

    /// A service refused these as expired or unknown.
    package mutating func rejected(_ credentials: AWSCredentials, at now: Int64) {
        guard let old = held, old.credentials == credentials, !old.isRejected,
            now >= old.since + Self.youth
        else { return }
        held?.isRejected = true
    }

    private func usable(at now: Int64) -> Held? {
        held.flatMap { $0.isRejected || (now >= $0.end && !$0.outlivesEnd) ? nil : $0 }
    }

    /// 15 minutes and 2 to 10 more, so that a fleet does not come back as one.
    private static func `extension`(_ jitter: Double) -> Int64 {
        advisoryWindow + 120_000 + Int64(jitter * 480_000)
    }
}
