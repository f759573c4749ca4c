internal import ControlAPI
internal import Domain
internal import FailureStore
internal import Intake
internal import Synchronization
internal import SystemIO
internal import WriteAheadLog

/// Puts the answer of `status` together from what the parts say of themselves.
struct StatusAssembler: Sendable {
    let store: any FailureStoring
    let log: SegmentedLog
    let flusher: Flusher
    let monitors: [QueueMonitor]
    let pause: IntakePause
    /// Sentences about the start: a torn tail that was cut, keys of the configuration without effect yet.
    let notes: [StatusReply.Problem]
    let clock: any ClockReading
    let startedAt: UInt64
    let stopping: StoppingFlag

    func reply() async throws(StoreFailure) -> StatusReply {
        let overview = try await store.overview()
        let unfinished = try await store.unfinishedRemediations()
        let logStatus = log.status
        let problems = problems(unfinished)
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        let queues = monitors.map { queue($0.snapshot, overview, now) }
        let pausedUntil = pause.until(at: now)
        let beforeJobsEnd = unfinished.filter { $0.state != .verifying }
        let running =
            unfinished.count - beforeJobsEnd.count
            + Set(beforeJobsEnd.map(\.rule.sourceBucket)).count
        let paused = logStatus.paused?.description
        let state =
            stopping.isSet
            ? "stopping"
            : paused != nil || pausedUntil != nil
                ? "paused" : problems.isEmpty ? "running" : "degraded"
        let applied = flusher.appliedLSN
        let uptime = (clock.monotonicNanoseconds() - startedAt) / 1_000_000_000
        return StatusReply(
            version: programVersion, uptimeSeconds: Int(uptime), state: state,
            pausedUntil: pausedUntil, queues: queues,
            log: .init(
                bytes: Int64(logStatus.bytes), segments: logStatus.segments,
                appendedLSN: logStatus.appendedLSN.value, syncedLSN: logStatus.syncedLSN.value,
                appliedLSN: applied, paused: paused),
            store: .init(
                failures: overview.failures,
                lagRecords: Int64(logStatus.syncedLSN.value) - Int64(applied),
                bytes: overview.bytes, schemaVersion: overview.schemaVersion,
                quarantined: overview.quarantined),
            remediations: .init(running: running, queued: unfinished.count - running),
            problems: problems)
    }

    /// Parts that are not live. Trouble outside and a pause are none of them.
    func failingParts() -> [String] {
        log.status.failure == nil ? [] : ["log"]
    }

    private func problems(_ unfinished: [RemediationRun]) -> [StatusReply.Problem] {
        let intake = monitors.compactMap(\.snapshot.problem) + [flusher.problem].compactMap { $0 }
        let remediations = unfinished.compactMap { run in
            run.problem.map {
                StatusReply.Problem(
                    code: "remediationWaits", message: "remediation \(run.id): \($0)",
                    since: run.createdAt)
            }
        }
        return notes
            + intake.map { .init(code: $0.code, message: $0.sentence, since: $0.since) }
            + remediations
    }

    private func queue(
        _ snapshot: QueueSnapshot, _ overview: StoreOverview, _ now: Timestamp
    ) -> StatusReply.Queue {
        StatusReply.Queue(
            url: snapshot.url, state: snapshot.state.rawValue, pollers: snapshot.pollers,
            lastReceiveAt: snapshot.lastReceiveAt, lastMessageAt: snapshot.lastMessageAt,
            lastTestEventAt: snapshot.lastTestEventAt ?? overview.lastTestEvents[snapshot.url],
            visible: snapshot.look?.visible, inFlight: snapshot.look?.inFlight,
            oldestAgeSeconds: snapshot.oldestAgeSeconds(at: now),
            retentionSeconds: snapshot.look?.retentionSeconds,
            deadLetter: snapshot.look?.deadLetter.map {
                .init(queue: $0.queue, maxReceiveCount: $0.maxReceiveCount, messages: $0.messages)
            })
    }
}

/// Set once, when the daemon begins to stop.
final class StoppingFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}
