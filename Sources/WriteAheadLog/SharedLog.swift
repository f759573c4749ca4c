internal import Metrics
internal import Synchronization
internal import SystemIO

/// One call of `append` that waits for the disk.
struct PendingAppend: Sendable {
    let payloads: [[UInt8]]
    let waiter: CheckedContinuation<Result<LSN, LogFailure>, Never>
}

/// A zero-filled file under its temporary name, ready to become a segment.
struct PreparedSegment: Sendable {
    let file: any OpenFile
    let bytes: Int
}

/// Wakes one task. What happens between its look at the state and its wait is not lost.
private struct Signal {
    private var isRaised = false
    private var waiter: CheckedContinuation<Void, Never>?

    /// The continuation to resume after the lock is given up, if the task waits.
    mutating func raise() -> CheckedContinuation<Void, Never>? {
        guard let waiter else {
            isRaised = true
            return nil
        }
        self.waiter = nil
        return waiter
    }

    mutating func lower() {
        isRaised = false
    }

    /// False when the task must not wait.
    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
        if isRaised { return false }
        waiter = continuation
        return true
    }
}

/// What the log's parts and its callers share, behind one lock. Nothing is called while the lock is held.
final class SharedLog: Sendable {
    private struct State {
        var pending: [PendingAppend] = []
        var recordWaiters: [(after: LSN, continuation: CheckedContinuation<Bool, Never>)] = []
        var committer = Signal()
        var keeper = Signal()
        var prepared: PreparedSegment?
        /// The committer is turning the prepared file into a segment: its temporary name is in use.
        var isSwitching = false
        var isClosing = false
        /// An append that finds no room fails instead of waiting.
        var waitsForRoom = true
        var failure: LogFailure?
        var paused: PauseReason?
        var appended: LSN
        var synced: LSN
        /// Oldest first.
        var segments: [SegmentEntry]
        var preparedBytes = 0
        let tornBytes: Int
        var maximumBytes: Int
        var minimumFreeBytes: Int

        var bytes: Int { segments.reduce(tornBytes + preparedBytes) { $0 + $1.bytes } }
        /// What the limit leaves, and the file that already counts against it.
        var room: Int { max(0, maximumBytes - bytes) + (prepared?.bytes ?? 0) }
        var isOver: Bool { isClosing || failure != nil }
    }

    private let state: Mutex<State>

    /// How long groups took to be written and synced.
    let commits = Histogram()

    init(_ recovered: RecoveredLog, maximumBytes: Int, minimumFreeBytes: Int) {
        state = Mutex(
            State(
                paused: recovered.paused, appended: recovered.lastLSN, synced: recovered.lastLSN,
                segments: recovered.segments, tornBytes: recovered.tornBytes,
                maximumBytes: maximumBytes, minimumFreeBytes: minimumFreeBytes))
    }

    var status: LogStatus {
        state.withLock { state in
            LogStatus(
                appendedLSN: state.appended, syncedLSN: state.synced, bytes: state.bytes,
                segments: state.segments.count, room: state.room, paused: state.paused,
                failure: state.failure)
        }
    }

    // MARK: callers

    func enqueue(_ append: PendingAppend) {
        let (refusal, wake) = state.withLock { state in
            if let failure = state.failure { return (LogFailure?.some(failure), Wake?.none) }
            if state.isClosing { return (.closed, nil) }
            state.pending.append(append)
            return (nil, state.committer.raise())
        }
        wake?.resume()
        if let refusal { append.waiter.resume(returning: .failure(refusal)) }
    }

    func waitForRecords(after lsn: LSN, _ continuation: CheckedContinuation<Bool, Never>) {
        let answer: Bool? = state.withLock { state in
            if state.synced > lsn { return true }
            if state.isOver { return false }
            state.recordWaiters.append((lsn, continuation))
            return nil
        }
        if let answer { continuation.resume(returning: answer) }
    }

    /// The segment that holds `lsn`, and the last synced LSN in it. Nil when it was removed or is not synced.
    func place(of lsn: LSN) -> (segment: SegmentEntry, last: LSN)? {
        state.withLock { state in
            guard lsn <= state.synced,
                let index = state.segments.lastIndex(where: { $0.firstLSN <= lsn })
            else { return nil }
            let next = index + 1
            let last =
                next < state.segments.count
                ? LSN(state.segments[next].firstLSN.value - 1) : state.synced
            return (state.segments[index], min(last, state.synced))
        }
    }

    /// The first LSN that the log holds.
    var firstLSN: LSN { state.withLock { $0.segments[0].firstLSN } }

    /// Refuses what comes from now on and lets both parts finish.
    func beginClosing() {
        let (committer, keeper, waiters) = state.withLock { state in
            state.isClosing = true
            defer { state.recordWaiters = [] }
            return (state.committer.raise(), state.keeper.raise(), state.recordWaiters)
        }
        committer?.resume()
        keeper?.resume()
        for waiter in waiters { waiter.continuation.resume(returning: false) }
    }

    func refuseWithoutRoom() {
        let wake = state.withLock { state in
            state.waitsForRoom = false
            return state.committer.raise()
        }
        wake?.resume()
    }

    /// From the next segment on. A log that pauses looks again at once.
    func setLimits(maximumBytes: Int, minimumFreeBytes: Int) {
        let wake = state.withLock { state in
            state.maximumBytes = maximumBytes
            state.minimumFreeBytes = minimumFreeBytes
            return state.keeper.raise()
        }
        wake?.resume()
    }

    // MARK: committer

    /// Takes over all that was queued; from now on a new signal is noticed by `park`.
    func collect() throws(LogFailure) -> (appends: [PendingAppend], isClosing: Bool) {
        let (appends, isClosing, failure) = state.withLock { state in
            state.committer.lower()
            defer { state.pending = [] }
            return (state.pending, state.isClosing, state.failure)
        }
        guard let failure else { return (appends, isClosing) }
        for append in appends { append.waiter.resume(returning: .failure(failure)) }
        throw failure
    }

    /// Appends that the committer has not taken over yet.
    var pendingAppends: Int { state.withLock { $0.pending.count } }

    func parkCommitter() async {
        await withCheckedContinuation { continuation in
            if !state.withLock({ $0.committer.wait(continuation) }) { continuation.resume() }
        }
    }

    func noteAppended(_ lsn: LSN) {
        state.withLock { $0.appended = lsn }
    }

    func noteSynced(_ lsn: LSN) {
        let ready = state.withLock { state in
            state.synced = lsn
            if state.recordWaiters.isEmpty { return state.recordWaiters }
            let ready = state.recordWaiters.filter { $0.after < lsn }
            state.recordWaiters.removeAll { $0.after < lsn }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: true) }
    }

    var waitsForRoom: Bool { state.withLock { $0.waitsForRoom } }

    /// The prepared file, to be turned into a segment now; nil when there is none, and then the keeper tries again.
    func takePrepared() -> PreparedSegment? {
        let (prepared, wake) = state.withLock { state in
            guard let prepared = state.prepared else {
                return (PreparedSegment?.none, state.keeper.raise())
            }
            state.prepared = nil
            state.isSwitching = true
            return (prepared, nil)
        }
        wake?.resume()
        return prepared
    }

    /// Ends what `takePrepared` began: with the new segment, or with the reason why it could not be made.
    func finishSwitch(_ outcome: Result<SegmentEntry, FileFailure>) {
        let wake = state.withLock { state in
            state.isSwitching = false
            state.preparedBytes = 0
            switch outcome {
            case .success(let segment):
                // A newest segment without a record begins at the same LSN: the new one took its name and its place.
                state.segments.removeAll { $0.firstLSN == segment.firstLSN }
                state.segments.append(segment)
            case .failure(let failure): state.paused = .outOfSpace(failure)
            }
            return state.keeper.raise()
        }
        wake?.resume()
    }

    /// The log is over, by `closed` or by a failure: everyone who waits learns why, and both parts end.
    func fail(_ failure: LogFailure) {
        let (pending, waiters, wakes) = state.withLock { state in
            if failure != .closed { state.failure = state.failure ?? failure }
            defer {
                state.pending = []
                state.recordWaiters = []
            }
            return (
                state.pending, state.recordWaiters,
                [state.committer.raise(), state.keeper.raise()]
            )
        }
        for append in pending { append.waiter.resume(returning: .failure(failure)) }
        for waiter in waiters { waiter.continuation.resume(returning: false) }
        for wake in wakes { wake?.resume() }
    }

    // MARK: keeper

    enum KeeperWork {
        case prepare(inUse: Int)
        case wait
        case end
    }

    func keeperWork() -> KeeperWork {
        state.withLock { state in
            state.keeper.lower()
            if state.isOver { return .end }
            return state.prepared == nil && !state.isSwitching
                ? .prepare(inUse: state.bytes) : .wait
        }
    }

    var limits: (maximumBytes: Int, minimumFreeBytes: Int) {
        state.withLock { ($0.maximumBytes, $0.minimumFreeBytes) }
    }

    var isOver: Bool { state.withLock { $0.isOver } }

    func parkKeeper() async {
        await withCheckedContinuation { continuation in
            if !state.withLock({ $0.keeper.wait(continuation) }) { continuation.resume() }
        }
    }

    func wakeKeeper() {
        state.withLock { $0.keeper.raise() }?.resume()
    }

    func notePreparing(_ bytes: Int) {
        state.withLock { $0.preparedBytes = bytes }
    }

    func publish(_ prepared: PreparedSegment) {
        let wake = state.withLock { state in
            state.prepared = prepared
            state.paused = nil
            return state.committer.raise()
        }
        wake?.resume()
    }

    func pause(_ reason: PauseReason) {
        state.withLock { state in
            state.paused = reason
            state.preparedBytes = 0
        }
    }

    /// The oldest segment if all its records are at most `applied` and it is not the newest.
    func oldestRemovable(appliedThrough applied: LSN) -> SegmentEntry? {
        state.withLock { state in
            guard state.segments.count > 1,
                state.segments[1].firstLSN.value - 1 <= min(applied, state.synced).value
            else { return nil }
            return state.segments[0]
        }
    }

    func forget(_ segment: SegmentEntry) {
        state.withLock { $0.segments.removeAll { $0.firstLSN == segment.firstLSN } }
    }
}

private typealias Wake = CheckedContinuation<Void, Never>
