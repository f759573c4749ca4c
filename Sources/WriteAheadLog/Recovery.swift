internal import SystemIO

/// What a log starts from: the newest segment, made by recovery itself, open for writing.
struct RecoveredLog {
    let active: ActiveSegment
    /// Oldest first; the last is the active one.
    let segments: [SegmentEntry]
    let lastLSN: LSN
    let tornBytes: Int
    /// Why the active segment has no room beyond what recovery wrote into it.
    let paused: PauseReason?
    let report: RecoveryReport
}

/// Finds the log's end and makes it true on disk, or refuses.
///
/// Where no next frame stands and zeros do not follow to the end of the file, a write was torn or the medium lost
/// something that was promised. It is *damage* iff that place was promised:
/// - a later segment exists: its name and header promise all before it;
/// - a frame valid alone stands behind it and promises its LSN, or is a record with its LSN (then a sync frame is
///   what is bad, and that was on disk before any other frame was written);
/// - the store has applied its LSN.
/// Everything else is a torn tail: never acknowledged, or (what cannot be told apart) the last group before a power
/// cut whose medium is damaged too.
///
/// Old segments are never appended to. After a failed fsync the page cache may show what the disk does not hold, so
/// records above the promise are written anew, into a segment that starts behind the promise.
struct Recovery {
    let state: StateDirectory
    let store: StoreMark
    let options: LogOptions
    let random: any RandomSource

    var fileSystem: any FileSystem { state.fileSystem }

    func run() throws(LogFailure) -> RecoveredLog {
        let names = try io { () throws(FileFailure) in try listAndClean() }
        guard let (tail, older, report) = try examine(names, changesNothing: false) else {
            return try startNewLog(names)
        }
        return try rewrite(tail, older: older, names, report)
    }

    /// Why a start would refuse the log; nil when it would not. Changes nothing.
    func refusal() throws(FileFailure) -> LogFailure? {
        var names: [String] = []
        do { names = try fileSystem.names(in: state.logPath).sorted() } catch
            where error.isNotFound
        {}
        do throws(LogFailure) {
            if try examine(names, changesNothing: true) == nil { try refuseStoreAlone() }
            return nil
        } catch { return error }
    }

    /// What the segments hold, or the refusal; nil when there is none. Cuts what an interrupted recovery left over.
    private func examine(
        _ names: [String], changesNothing: Bool
    ) throws(LogFailure) -> (tail: LogTail, older: [SegmentReader], report: RecoveryReport)? {
        let firsts = names.compactMap(LogFileName.firstLSN(ofSegment:)).sorted()
        guard let oldest = firsts.first else { return nil }
        var readers: [SegmentReader] = []
        for first in firsts { readers.append(try openSegment(first)) }
        try checkIDs(readers)
        guard oldest.value <= store.appliedLSN.value + 1 else {
            throw mismatch(.logStartsAfterStore(first: oldest, applied: store.appliedLSN))
        }
        var report = RecoveryReport()
        report.firstLSN = oldest
        for index in readers.indices.dropLast() {
            let next = readers[index + 1]
            try checkOlder(readers[index], next, changesNothing, &report)
        }
        var tail = try readTail(readers[readers.count - 1])
        if tail.reader.isFollowed {
            throw mismatch(
                .newestSegmentMissing(
                    after: LSN(tail.reader.nextLSN.value - 1), file: tail.reader.path))
        }
        if let finding = tail.badFrame { try judge(finding, &tail) }
        report.lastLSN = LSN(tail.reader.nextLSN.value - 1)
        guard report.lastLSN >= store.appliedLSN else {
            throw mismatch(
                .logEndsBeforeStore(last: report.lastLSN, applied: store.appliedLSN))
        }
        report.rewrittenRecords = tail.above.count
        return (tail, Array(readers.dropLast()), report)
    }

    private func listAndClean() throws(FileFailure) -> [String] {
        try fileSystem.makeDirectory(state.logPath)
        try fileSystem.syncDirectory(state.path)
        let names = try fileSystem.names(in: state.logPath)
        for name in names where name.hasSuffix(".tmp") {
            try fileSystem.remove(state.logPath + "/" + name)
        }
        return names.filter { !$0.hasSuffix(".tmp") }.sorted()
    }

    private func refuseStoreAlone() throws(LogFailure) {
        if let logID = store.logID { throw mismatch(.logMissing(store: logID)) }
        if store.appliedLSN > .none {
            throw mismatch(.storeWithoutLogID(applied: store.appliedLSN))
        }
    }

    private func startNewLog(_ names: [String]) throws(LogFailure) -> RecoveredLog {
        try refuseStoreAlone()
        let logID = LogID.random(random)
        var report = RecoveryReport()
        report.isNew = true
        return try makeActive(
            Rewriting(logID: logID, promise: .none, above: []), older: [], names, report)
    }

    private func openSegment(_ first: LSN) throws(LogFailure) -> SegmentReader {
        let path = state.logPath + "/" + LogFileName.segment(first)
        let reader: SegmentReader
        do { reader = try SegmentReader(path, in: fileSystem) } catch {
            switch error {
            case .io(let failure): throw .ioFailed(failure)
            case .header(.newerVersion(let version)):
                throw .newerFormat(file: path, version: version)
            case .header(.damaged(let finding)):
                throw damage(path, 0, first, finding)
            }
        }
        guard reader.header.firstLSN == first else {
            throw damage(
                path, 0, first, "the segment header has first LSN \(reader.header.firstLSN)")
        }
        return reader
    }

    private func checkIDs(_ readers: [SegmentReader]) throws(LogFailure) {
        let logID = readers[0].header.logID
        for reader in readers where reader.header.logID != logID {
            throw mismatch(
                .segmentOfOtherLog(file: reader.path, log: logID, segment: reader.header.logID))
        }
        if let known = store.logID, known != logID {
            throw mismatch(.otherLogID(log: logID, store: known))
        }
        if store.logID == nil, store.appliedLSN > .none {
            throw mismatch(.storeWithoutLogID(applied: store.appliedLSN))
        }
    }

    /// Reads a segment that is not the newest up to where the next one starts. One whose records are all in the store
    /// is not read: it only waits to be removed.
    private func checkOlder(
        _ segment: SegmentReader, _ next: SegmentReader, _ changesNothing: Bool,
        _ report: inout RecoveryReport
    ) throws(LogFailure) {
        // A copy, so that its window goes with it.
        var reader = segment
        let end = next.header.firstLSN
        if end.value - 1 <= store.appliedLSN.value { return }
        while true {
            let offset = reader.offset
            switch try io({ () throws(FileFailure) in try reader.next() }) {
            case .sync: continue
            case .record(let record) where record.lsn < end: continue
            case .record: if !changesNothing { try cutOverlap(reader.path, offset, &report) }
            case .cleanEnd where reader.nextLSN == end: return
            case .cleanEnd:
                throw mismatch(
                    .gapBetweenSegments(
                        after: LSN(reader.nextLSN.value - 1), next: end, file: next.path))
            case .bad where reader.nextLSN == end:
                if !changesNothing { try cutOverlap(reader.path, offset, &report) }
            case .bad(let finding):
                throw damage(
                    reader.path, offset, reader.nextLSN,
                    "\(finding), and \(next.path) promises all before LSN \(end)")
            }
            return
        }
    }

    private func cutOverlap(
        _ path: String, _ offset: Int, _ report: inout RecoveryReport
    ) throws(LogFailure) {
        try io { () throws(FileFailure) in try cut(path, at: offset) }
        report.cutOverlaps.append(path)
    }

    func cut(_ path: String, at offset: Int) throws(FileFailure) {
        let file = try fileSystem.open(path, .modify)
        try file.truncate(to: offset)
        try file.sync()
    }

    func damage(_ file: String, _ offset: Int, _ lsn: LSN, _ finding: String) -> LogFailure {
        .damaged(
            LogDamage(
                file: file, offset: offset, lsn: lsn, finding: finding, directory: state.path))
    }

    private func mismatch(_ mismatch: LogMismatch) -> LogFailure {
        .doesNotBelong(mismatch, directory: state.path)
    }

    /// Runs file system calls; their failure is the log's.
    func io<Result>(_ body: () throws(FileFailure) -> Result) throws(LogFailure) -> Result {
        do { return try body() } catch { throw .ioFailed(error) }
    }
}
