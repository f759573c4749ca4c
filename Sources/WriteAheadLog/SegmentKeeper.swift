internal import SystemIO

/// The committer's helper, on a thread of its own: keeps one zero-filled file ready, so that the committer never waits
/// for space, and removes segments that the store no longer needs. Overwriting zeros needs no metadata on the disk,
/// which makes a sync about 1.5 times as fast as extending the file.
actor SegmentKeeper {
    nonisolated let executor: any WorkExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        // Unowned, not dangling: the actor owns its executor.
        unsafe executor.asUnownedSerialExecutor()
    }

    private let shared: SharedLog
    private let state: StateDirectory
    private let options: LogOptions
    private let clock: any ClockReading
    private var retryTimer: Task<Void, Never>?

    init(
        shared: SharedLog, state: StateDirectory, options: LogOptions, clock: any ClockReading,
        executor: any WorkExecutor
    ) {
        self.shared = shared
        self.state = state
        self.options = options
        self.clock = clock
        self.executor = executor
    }

    private var temporaryPath: String { state.logPath + "/" + LogFileName.inTheMaking }

    /// Works until the log is closed or fails.
    func run() async {
        while true {
            switch shared.keeperWork() {
            case .end:
                retryTimer?.cancel()
                return
            case .wait: break
            case .prepare(let inUse):
                do {
                    if let reason = try prepare(inUse: inUse) {
                        shared.pause(reason)
                        startRetryTimer()
                    }
                } catch { shared.fail(.ioFailed(error)) }
            }
            await shared.parkKeeper()
        }
    }

    /// Makes the next file, or says why there is no room for it.
    private func prepare(inUse: Int) throws(FileFailure) -> PauseReason? {
        var present = options
        (present.maximumBytes, present.minimumFreeBytes) = shared.limits
        let limits = SegmentLimits(
            options: present, fileSystem: state.fileSystem, path: state.logPath)
        if let reason = try limits.reasonAgainst(adding: options.segmentBytes, to: inUse) {
            return reason
        }
        do {
            try discard()
            shared.notePreparing(options.segmentBytes)
            let file = try state.fileSystem.open(temporaryPath, .create)
            if try fill(file) {
                shared.publish(PreparedSegment(file: file, bytes: options.segmentBytes))
            }
            return nil
        } catch {
            guard error.isOutOfSpace else { throw error }
            try discard()
            return .outOfSpace(error)
        }
    }

    /// Small steps: one large flush would hold up the committer's syncs. False when the log ended meanwhile.
    private func fill(_ file: any OpenFile) throws(FileFailure) -> Bool {
        let zeros = [UInt8](repeating: 0, count: min(options.fillStepBytes, 64 * 1024))
        var offset = 0
        while offset < options.segmentBytes {
            if shared.isOver { return false }
            let end = min(offset + options.fillStepBytes, options.segmentBytes)
            while offset < end {
                let count = min(zeros.count, end - offset)
                try unsafe file.write(zeros.span.bytes.extracting(0..<count), at: offset)
                offset += count
            }
            try file.syncData()
        }
        return true
    }

    /// Removes the file in the making, if there is one.
    func discard() throws(FileFailure) {
        do { try state.fileSystem.remove(temporaryPath) } catch  where error.isNotFound {}
    }

    private func startRetryTimer() {
        guard retryTimer == nil else { return }
        retryTimer = Task(executorPreference: executor.tasks) { await self.retryLater() }
    }

    private func retryLater() async {
        try? await clock.sleep(for: options.retryInterval)
        retryTimer = nil
        shared.wakeKeeper()
    }

    /// Oldest first, each removal durable before the next, so that a crash leaves no gap.
    func removeSegments(appliedThrough applied: LSN) throws(FileFailure) {
        var isAny = false
        while let segment = shared.oldestRemovable(appliedThrough: applied) {
            try state.fileSystem.remove(segment.path)
            try state.fileSystem.syncDirectory(state.logPath)
            shared.forget(segment)
            isAny = true
        }
        if isAny { shared.wakeKeeper() }
    }
}
