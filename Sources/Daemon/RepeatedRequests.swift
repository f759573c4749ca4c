internal import ControlAPI
internal import ControlServer
internal import FailureStore
internal import Logging
internal import Synchronization

/// Carries out a request with an Idempotency-Key once: who sends it again, at the same time or within 24 hours, gets the
/// first one's answer.
///
/// Only success is kept. After anything else the same request may be sent again, with the same key: either nothing was
/// changed, or what is left to do is done. Streams are not kept.
final class RepeatedRequests: Sendable {
    private struct Identity: Hashable {
        let uid: UInt32
        let key: String
    }

    private enum Turn {
        case first
        case answered(ControlReply)
        /// The key is in use for something else.
        case refused
    }

    private struct Running {
        let digest: [UInt8]
        var waiters: [CheckedContinuation<Turn, Never>] = []
    }

    private let store: any FailureStoring
    private let logger: Logger
    private let running = Mutex<[Identity: Running]>([:])

    init(store: any FailureStoring, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// The kept answer, or what `work` answers.
    ///
    /// - Parameter remediation: the answer that a begun remediation is, by its ID.
    func once(
        _ request: KeyedRequest, remediation: (String) async throws -> ControlReply,
        _ work: () async -> ControlReply
    ) async throws -> ControlReply {
        switch await turn(request) {
        case .refused: throw reused(request)
        case .answered(let reply): return reply
        case .first:
            let reply = await answer(request, remediation, work)
            finish(request, reply)
            return reply
        }
    }

    private func turn(_ request: KeyedRequest) async -> Turn {
        await withCheckedContinuation { continuation in
            let turn: Turn? = running.withLock { running in
                let identity = Identity(uid: request.uid, key: request.key)
                guard let same = running[identity] else {
                    running[identity] = Running(digest: request.digest)
                    return .first
                }
                guard same.digest == request.digest else { return .refused }
                running[identity]?.waiters.append(continuation)
                return nil
            }
            if let turn { continuation.resume(returning: turn) }
        }
    }

    private func finish(_ request: KeyedRequest, _ reply: ControlReply) {
        let ended = running.withLock {
            $0.removeValue(forKey: Identity(uid: request.uid, key: request.key))
        }
        for waiter in ended?.waiters ?? [] { waiter.resume(returning: .answered(reply)) }
    }

    private func answer(
        _ request: KeyedRequest, _ remediation: (String) async throws -> ControlReply,
        _ work: () async -> ControlReply
    ) async -> ControlReply {
        do {
            if let kept = try await store.answer(to: request) {
                guard kept.digest == request.digest else { throw reused(request) }
                return try await replayed(kept, remediation)
            }
        } catch {
            return .problem(problem(error))
        }
        let reply = await work()
        await keep(reply, to: request)
        return reply
    }

    private func replayed(
        _ kept: KeptAnswer, _ remediation: (String) async throws -> ControlReply
    ) async throws -> ControlReply {
        var reply: ControlReply
        if let stored = kept.reply {
            reply = ControlReply(
                status: stored.status, contentType: stored.contentType, body: .bytes(stored.body))
        } else {
            reply = try await remediation(kept.remediationID ?? "")
        }
        reply.headers.append(("Idempotency-Replayed", "true"))
        return reply
    }

    /// A change that was made is answered so even where its answer cannot be kept.
    private func keep(_ reply: ControlReply, to request: KeyedRequest) async {
        guard (200..<300).contains(reply.status), case .bytes(let body) = reply.body else { return }
        do {
            try await store.keep(
                .init(status: reply.status, contentType: reply.contentType, body: body),
                to: request)
        } catch {
            logger.warning(
                "an answer is not kept for its Idempotency-Key", metadata: ["problem": "\(error)"])
        }
    }

    private func reused(_ request: KeyedRequest) -> ProblemReply {
        ProblemCode.idempotencyKeyReused.problem(
            "the Idempotency-Key \(request.key.prefix(60)) was sent with another request in the last "
                + "24 hours: take a new key for a new request")
    }
}
