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
    let configured: ConfiguredRules
    let log: SegmentedLog
    let flusher: Flusher
    let monitors: [QueueMonitor]
    let pause: IntakePause
    /// Sentences about the start: a torn tail that was cut, keys of the configuration without effect yet.
    let notes: [StatusReply.Problem]
    let clock: any ClockReading
    let startedAt: UInt64
    let stopping: StoppingFlag
    private let storeTrouble = TroubleSince()

    init(
        store: any FailureStoring, configured: ConfiguredRules, log: SegmentedLog,
        flusher: Flusher, monitors: [QueueMonitor], pause: IntakePause,
        notes: [StatusReply.Problem], clock: any ClockReading,
        startedAt: UInt64,
        stopping: StoppingFlag
    ) {
        self.store = store
        self.configured = configured
        self.log = log
        self.flusher = flusher
        self.monitors = monitors
        self.pause = pause
        self.notes = notes
        self.clock = clock
        self.startedAt = startedAt
        self.stopping = stopping
    }

    /// Never fails as a whole: what the store does not tell is absent, and a problem says why.
    func reply() async -> StatusReply {
        let told = await storeTells()
        let overview = told.overview
        let logStatus = log.status
        let problems = problems(told)
        let now = now
        let queues = monitors.map { queue($0.snapshot, overview, now) }
        let pausedUntil = pause.until(at: now)
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
                failures: overview?.failures,
                lagRecords: Int64(logStatus.syncedLSN.value) - Int64(applied),
                bytes: overview?.bytes, schemaVersion: overview?.schemaVersion,
                quarantined: overview?.quarantined, tooOld: overview?.tooOld),
            remediations: told.unfinished.map { remediations($0.runs) }, problems: problems)
    }

    /// Every rule that has failed, and those of the configured buckets.
    func rules() async throws(StoreFailure) -> [RuleOverview] {
        configured.adding(to: try await store.rules(nil))
    }

    private struct StoreWords {
        var overview: StoreOverview?
        var unfinished: UnfinishedRemediations?
        var failure: StoreFailure?
    }

    private func storeTells() async -> StoreWords {
        var told = StoreWords()
        do throws(StoreFailure) {
            told.overview = try await store.overview()
        } catch { told.failure = error }
        do throws(StoreFailure) {
            told.unfinished = try await store.unfinishedRemediations()
        } catch { told.failure = error }
        return told
    }

    private func remediations(_ unfinished: [RemediationRun]) -> StatusReply.Remediations {
        let beforeJobsEnd = unfinished.filter(\.holdsBucket)
        let running =
            unfinished.count - beforeJobsEnd.count
            + Set(beforeJobsEnd.map(\.rule.sourceBucket)).count
        return .init(running: running, queued: unfinished.count - running)
    }

    /// Parts that are not live. Trouble outside and a pause are none of them.
    func failingParts() -> [String] {
        log.status.failure == nil ? [] : ["log"]
    }

    private var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    private func problems(_ told: StoreWords) -> [StatusReply.Problem] {
        let since = storeTrouble.since(now, isTrouble: told.failure != nil)
        let ofStore = told.failure.map { failure in
            StatusReply.Problem(
                code: "storeUnreadable",
                message: "the failure store cannot be read, so what it holds is not shown here: "
                    + "\(failure)",
                since: since)
        }
        let uptime = (clock.monotonicNanoseconds() - startedAt) / 1_000_000
        let unreadable = (told.unfinished?.unreadable ?? []).map { remediation in
            StatusReply.Problem(
                code: "remediationUnreadable",
                message: "remediation \(remediation.id) cannot be read from the store and stands "
                    + "still, its failures stay submitted, the others go on; run the s3remedyd that "
                    + "wrote it, or a newer one: \(remediation.sentence)",
                since: now.advanced(byMilliseconds: -Int64(uptime)))
        }
        let intake = monitors.compactMap(\.snapshot.problem) + [flusher.problem].compactMap { $0 }
        let remediations = (told.unfinished?.runs ?? []).compactMap { run in
            run.problem.map {
                StatusReply.Problem(
                    code: "remediationWaits", message: "remediation \(run.id): \($0)",
                    since: run.createdAt)
            }
        }
        return notes
            + intake.map { .init(code: $0.code, message: $0.sentence, since: $0.since) }
            + [ofStore].compactMap { $0 } + unreadable + remediations
    }

    private func queue(
        _ snapshot: QueueSnapshot, _ overview: StoreOverview?, _ now: Timestamp
    ) -> StatusReply.Queue {
        StatusReply.Queue(
            url: snapshot.url, state: snapshot.state.rawValue, pollers: snapshot.pollers,
            lastReceiveAt: snapshot.lastReceiveAt, lastMessageAt: snapshot.lastMessageAt,
            lastTestEventAt: snapshot.lastTestEventAt ?? overview?.lastTestEvents[snapshot.url],
            visible: snapshot.look?.visible, inFlight: snapshot.look?.inFlight,
            oldestAgeSeconds: snapshot.oldestAgeSeconds(at: now),
            retentionSeconds: snapshot.look?.retentionSeconds,
            deadLetter: snapshot.look?.deadLetter.map {
                .init(queue: $0.queue, maxReceiveCount: $0.maxReceiveCount, messages: $0.messages)
            })
    }
}

/// Since when something is trouble: the first look that found it so.
private final class TroubleSince: Sendable {
    private let first = Mutex<Timestamp?>(nil)

    func since(_ now: Timestamp, isTrouble: Bool) -> Timestamp {
        first.withLock { first in
            first = isTrouble ? first ?? now : nil
            return first ?? now
        }
    }
}

/// Set once, when the daemon begins to stop.
final class StoppingFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}
