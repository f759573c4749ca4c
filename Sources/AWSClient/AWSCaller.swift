package import AWSProtocol
internal import Domain
package import HTTPTransport
package import SystemIO

/// What one call may take, and which statuses beside 2xx are answers rather than errors.
package struct CallLimits: Sendable {
    /// Of each attempt.
    package var deadline: Duration
    package var maximumReplyBytes: Int
    package var answers: Set<Int>
    /// Waits out the back-off even when no retry is left: a poller must not spin.
    package var isLongPoll: Bool
    /// CompleteMultipartUpload answers 200 before it knows.
    package var errorsMayHaveStatus200: Bool

    package init(
        deadline: Duration = .seconds(30), maximumReplyBytes: Int = 16 * 1024 * 1024,
        answers: Set<Int> = [], isLongPoll: Bool = false,
        errorsMayHaveStatus200: Bool = false
    ) {
        self.deadline = deadline
        self.maximumReplyBytes = maximumReplyBytes
        self.answers = answers
        self.isLongPoll = isLongPoll
        self.errorsMayHaveStatus200 = errorsMayHaveStatus200
    }
}

/// Signs requests, sends them and sends them again where that helps. One per actor, like its exchange; not Sendable.
package final class AWSCaller {
    package let region: String
    private let endpoints: AWSEndpoints
    private let exchange: any HTTPExchanging
    private let credentials: any CredentialsProviding
    private let clock: any ClockReading
    private var random: any RandomNumberGenerator
    private var signature = SignatureV4()
    private var quota = RetryQuota()
    private var skew = ClockSkew()

    package init(
        region: String, endpoints: AWSEndpoints, exchange: any HTTPExchanging,
        credentials: any CredentialsProviding, clock: any ClockReading,
        random: any RandomNumberGenerator
    ) {
        self.region = region
        self.endpoints = endpoints
        self.exchange = exchange
        self.credentials = credentials
        self.clock = clock
        self.random = random
    }

    /// Where the requests of a service go.
    /// - Parameter queueURL: counts for SQS alone.
    func endpoint(
        for service: AWSService, queueURL: String? = nil
    ) throws(AWSFailure) -> AWSEndpoint {
        do {
            return try endpoints.endpoint(for: service, region: region, queueURL: queueURL)
        } catch {
            throw .endpoint(error)
        }
    }

    /// How far AWS's clock is ahead of this host's, as the last reply showed.
    package var clockSkewMilliseconds: Int64 { skew.milliseconds }

    /// The reply to `request`: 2xx or one of the limits' `answers`.
    package func send(
        _ request: AWSRequest, _ limits: CallLimits = CallLimits()
    ) async throws(AWSFailure) -> AWSReply {
        var corrections: Set<AWSErrorKind> = []
        var retries = 0
        var paid: Int?
        while true {
            let failed: FailedAttempt
            do {
                let reply = try await attempt(request, limits)
                quota.refund(paid)
                return reply
            } catch {
                failed = error
            }
            if await canCorrect(failed), corrections.insert(failed.failure.kind).inserted {
                continue
            }
            // A long poll that was cut short by its deadline is worth a word first, not another minute of silence.
            if limits.isLongPoll, failed.failure.isDeadline { throw failed.failure }
            guard failed.failure.kind == .transient || failed.failure.kind == .throttling,
                retries + 1 < RetryQuota.maximumAttempts
            else { throw failed.failure }
            paid = quota.pay(for: failed.failure.kind)
            if paid != nil || limits.isLongPoll {
                try await backOff(failed, retry: retries, operation: request.operation)
            }
            guard paid != nil else { throw failed.failure }
            retries += 1
        }
    }

    /// One attempt that failed, with what decides about the next.
    private struct FailedAttempt: Error {
        var failure: AWSFailure
        var credentials: AWSCredentials?
        var retryAfterMilliseconds: Int?
        /// By how much the correction changed since the request was signed.
        var skewChange: Int64 = 0
    }

    private func attempt(
        _ request: AWSRequest, _ limits: CallLimits
    ) async throws(FailedAttempt) -> AWSReply {
        var credentials: AWSCredentials?
        do {
            if request.isSigned { credentials = try await self.credentials.credentials() }
        } catch {
            throw FailedAttempt(failure: error)
        }
        let sent = clock.wallMilliseconds()
        let start = clock.monotonicNanoseconds()
        let usedSkew = skew.milliseconds
        let reply: AWSReply
        do {
            let answer = try await exchange.perform(
                wire(request, credentials, limits, at: sent + usedSkew))
            reply = AWSReply(status: answer.status, headers: answer.headers, body: answer.body)
        } catch {
            throw FailedAttempt(failure: .http(operation: request.operation, error))
        }
        let elapsed = Int64((clock.monotonicNanoseconds() - start) / 1_000_000)
        skew.learn(from: reply, sentAt: sent, elapsedMilliseconds: elapsed)
        let isSuccess =
            (200..<300).contains(reply.status)
            && !(limits.errorsMayHaveStatus200 && reply.isErrorInSuccess)
        if isSuccess || limits.answers.contains(reply.status) { return reply }
        var error = serviceError(reply, of: request)
        if let credentials { error.message = credentials.redacting(error.message) }
        throw FailedAttempt(
            failure: .service(error), credentials: credentials,
            retryAfterMilliseconds: reply.header("x-amz-retry-after").flatMap { Int($0) },
            skewChange: abs(skew.milliseconds - usedSkew))
    }

    private func wire(
        _ request: AWSRequest, _ credentials: AWSCredentials?, _ limits: CallLimits, at time: Int64
    ) -> HTTPRequest {
        let added =
            credentials.map {
                signature.headers(
                    signing: request, with: $0, region: region, at: Timestamp(milliseconds: time))
            } ?? []
        return HTTPRequest(
            method: request.method, url: request.url, headers: request.headers + added,
            body: request.body, deadline: limits.deadline,
            maximumReplyBytes: limits.maximumReplyBytes)
    }

    /// True when the cause is removed, so that the same request is worth one more attempt at once.
    private func canCorrect(_ failed: FailedAttempt) async -> Bool {
        switch failed.failure.kind {
        case .clockSkew:
            return failed.skewChange > ClockSkew.suspiciousMilliseconds
        case .credentials:
            guard let rejected = failed.credentials else { return false }
            await credentials.reject(rejected)
            return (try? await credentials.credentials()).map { $0 != rejected } ?? false
        case .transient, .throttling, .permanent:
            return false
        }
    }

    private func backOff(
        _ failed: FailedAttempt, retry: Int, operation: String
    ) async throws(AWSFailure) {
        let seconds = RetryQuota.backoff(
            failed.failure.kind, retry: retry, jitter: Double.random(in: 0...1, using: &random),
            hint: failed.retryAfterMilliseconds)
        do {
            try await clock.sleep(for: .milliseconds(Int64(seconds * 1000)))
        } catch {
            throw .http(operation: operation, .cancelled)
        }
    }
}

private func serviceError(_ reply: AWSReply, of request: AWSRequest) -> AWSServiceError {
    guard request.service == .sqs else {
        return AWSServiceError(xml: reply.body, status: reply.status, of: request)
    }
    let (code, message) = SQSReply.parseError(reply.body) ?? ("", "")
    return AWSServiceError(code: code, message: message, status: reply.status, of: request)
}

extension AWSRequest {
    /// Runs a parser over a reply to this request.
    func parse<Value>(
        _ reply: AWSReply, _ parser: (AWSReply) throws(UnreadableReply) -> Value
    ) throws(AWSFailure) -> Value {
        do {
            return try parser(reply)
        } catch {
            throw .reply(operation: operation, error)
        }
    }
}
