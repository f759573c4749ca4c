internal import Metrics
internal import SystemIO

/// The only one who writes to segments once the log is open: takes everything queued, writes it at once, syncs once,
/// then answers all. Its steps have no suspension inside, so none is seen half done.
actor Committer {
    static let maximumGroupBytes = 4 << 20

    nonisolated let executor: any WorkExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        // Unowned, not dangling: the actor owns its executor.
        unsafe executor.asUnownedSerialExecutor()
    }

    private let shared: SharedLog
    private let state: StateDirectory
    private let options: LogOptions
    private let clock: any ClockReading
    private let random: any RandomSource

    private var active: ActiveSegment
    private var backlog = Backlog()
    private var gathering = Gathering()
    /// Appends whose last record is in the group being written.
    private var inFlight:
        [(waiter: CheckedContinuation<Result<LSN, LogFailure>, Never>, lsn: LSN)] = []
    private var synced: LSN
    /// The last promise on disk.
    private var promised: LSN
    private var lastCommit: UInt64 = 0
    private var idleTimer: Task<Void, Never>?
    /// Set by the first failed write or sync of a segment; nothing is written after it. The idle timer may fail between
    /// the committer's look at the queue and its commit, so looking there is not enough.
    private var failure: LogFailure?

    init(
        _ recovered: RecoveredLog, shared: SharedLog, state: StateDirectory, options: LogOptions,
        clock: any ClockReading, random: any RandomSource, executor: any WorkExecutor
    ) {
        active = recovered.active
        synced = recovered.lastLSN
        promised = recovered.lastLSN
        self.shared = shared
        self.state = state
        self.options = options
        self.clock = clock
        self.random = random
        self.executor = executor
    }

    /// Works until the log is closed or fails.
    func run() async {
        do throws(LogFailure) {
            while let step = try await nextStep() {
                switch step {
                case .commit: try commitGroup()
                case .switchTo(let prepared): try switchSegment(to: prepared)
                }
            }
            try writePromise()
            finish(.closed)
        } catch {
            finish(error)
        }
        // It holds this actor, and with it the lock on the state directory.
        await idleTimer?.value
    }

    private enum Step {
        case commit
        case switchTo(PreparedSegment)
    }

    /// Waits until there is something to do; nil when the log closes and nothing more can be committed.
    private func nextStep() async throws(LogFailure) -> Step? {
        while true {
            let (appends, isClosing) = try shared.collect()
            backlog.add(appends)
            if !isClosing,
                gathering.isOpen(having: backlog.count, now: clock.monotonicNanoseconds())
            {
                yieldThread()
                continue
            }
            if let payload = backlog.next {
                if FrameHeader.paddedBytes(payload: payload.count) <= active.room { return .commit }
                if let prepared = shared.takePrepared() { return .switchTo(prepared) }
                if !shared.waitsForRoom { backlog.fail(.closed) }
            }
            if isClosing { return nil }
            await shared.parkCommitter()
        }
    }

    private func commitGroup() throws(LogFailure) {
        let limit = min(active.room, Committer.maximumGroupBytes)
        var lsn = synced
        while let payload = backlog.next,
            active.encodedBytes + FrameHeader.paddedBytes(payload: payload.count) <= limit
        {
            lsn = lsn.next
            active.encode(payload, lsn: lsn, promise: synced)
            if let waiter = backlog.advance() { inFlight.append((waiter, lsn)) }
        }
        shared.noteAppended(lsn)
        let began = clock.monotonicNanoseconds()
        try writeAndSync()
        lastCommit = clock.monotonicNanoseconds()
        shared.commits.observe(nanoseconds: lastCommit - began)
        synced = lsn
        shared.noteSynced(lsn)
        gathering.noteGroup(
            answered: inFlight.count, waiting: backlog.count + shared.pendingAppends,
            endedAt: lastCommit, took: lastCommit - began)
        for append in inFlight { append.waiter.resume(returning: .success(append.lsn)) }
        inFlight.removeAll(keepingCapacity: true)
        startIdleTimer()
    }

    /// A sync frame that promises all that is synced, unless one stands there already.
    private func writePromise() throws(LogFailure) {
        guard promised < synced else { return }
        active.encodeSync(synced)
        try writeAndSync()
        promised = synced
    }

    private func writeAndSync() throws(LogFailure) {
        precondition(
            active.offset + active.encodedBytes <= active.capacity, "a frame spans segments")
        if let failure { throw failure }
        do {
            try active.write()
            try active.file.syncData()
        } catch {
            // The file was opened under its temporary name.
            throw fail(
                FileFailure(operation: error.operation, path: active.path, errno: error.errno))
        }
    }

    private func fail(_ error: FileFailure) -> LogFailure {
        let failure = LogFailure.ioFailed(error)
        self.failure = failure
        return failure
    }

    private func switchSegment(to prepared: PreparedSegment) throws(LogFailure) {
        if let failure { throw failure }
        try writePromise()
        let header = SegmentHeader(
            firstLSN: synced.next, logID: active.header.logID,
            seed: UInt32(truncatingIfNeeded: random.next()))
        let path = state.logPath + "/" + LogFileName.segment(header.firstLSN)
        var next = ActiveSegment(file: prepared.file, path: path, header: header, after: active)
        next.capacity = prepared.bytes
        do throws(FileFailure) {
            try next.writeHeader()
            try next.file.syncData()
            try state.fileSystem.rename(
                state.logPath + "/" + LogFileName.inTheMaking, to: path)
        } catch {
            guard error.isOutOfSpace else { throw fail(error) }
            shared.finishSwitch(.failure(error))
            return
        }
        do {
            try state.fileSystem.syncDirectory(state.logPath)
            // Only now: a crash in between leaves a segment that is the newest and does not claim another.
            try active.endFollowed(synced)
        } catch { throw fail(error) }
        active = next
        shared.finishSwitch(
            .success(SegmentEntry(firstLSN: header.firstLSN, path: path, bytes: prepared.bytes)))
    }

    /// One timer at most: when it ends it looks whether commits went on in between.
    private func startIdleTimer() {
        guard idleTimer == nil else { return }
        idleTimer = Task(executorPreference: executor.tasks) { await self.promiseWhenIdle() }
    }

    private func promiseWhenIdle() async {
        defer { idleTimer = nil }
        while !Task.isCancelled {
            let idle = Duration.nanoseconds(clock.monotonicNanoseconds() - lastCommit)
            if idle >= options.idleBeforePromise {
                do { try writePromise() } catch { shared.fail(error) }
                return
            }
            try? await clock.sleep(for: options.idleBeforePromise - idle)
        }
    }

    private func finish(_ reason: LogFailure) {
        idleTimer?.cancel()
        shared.fail(reason)
        for append in inFlight { append.waiter.resume(returning: .failure(reason)) }
        inFlight = []
        backlog.fail(reason)
    }
}

/// Appends taken over by the committer, some records of the first perhaps committed already.
private struct Backlog {
    private var appends: [PendingAppend] = []
    private var first = 0
    private var payload = 0

    mutating func add(_ more: [PendingAppend]) {
        if first == appends.count {
            appends = more
            first = 0
        } else {
            appends += more
        }
    }

    /// Appends not yet committed in full.
    var count: Int { appends.count - first }

    /// The next record's payload.
    var next: [UInt8]? {
        first < appends.count ? appends[first].payloads[payload] : nil
    }

    /// Steps over that record; returns who waits for it if it was the last of its append.
    mutating func advance() -> CheckedContinuation<Result<LSN, LogFailure>, Never>? {
        payload += 1
        guard payload == appends[first].payloads.count else { return nil }
        let waiter = appends[first].waiter
        first += 1
        payload = 0
        if first == appends.count {
            appends.removeAll(keepingCapacity: true)
            first = 0
        }
        return waiter
    }

    mutating func fail(_ reason: LogFailure) {
        for append in appends[first...] { append.waiter.resume(returning: .failure(reason)) }
        appends = []
        first = 0
        payload = 0
    }
}
