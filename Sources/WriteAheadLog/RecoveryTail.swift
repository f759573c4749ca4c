internal import SystemIO

/// The newest segment, read to the last frame that is next.
struct LogTail {
    /// Stands at the first place where no next frame is.
    var reader: SegmentReader
    /// Records above the last promise.
    var above: [LogRecord] = []
    /// Where the first of `above` stands, or else where `reader` does.
    var cutOffset = 0
    /// What is wrong at `reader.offset`; nil at a clean end.
    var badFrame: String?
}

/// What the new newest segment is made from.
struct Rewriting {
    let logID: LogID
    /// The segment starts behind it.
    let promise: LSN
    let above: [LogRecord]
    var lastLSN: LSN { LSN(promise.value + UInt64(above.count)) }
}

extension Recovery {
    func readTail(_ reader: SegmentReader) throws(LogFailure) -> LogTail {
        var tail = LogTail(reader: reader)
        var offsets: [Int] = []
        while true {
            let offset = tail.reader.offset
            let item = try io { () throws(FileFailure) in try tail.reader.next() }
            if let known = tail.above.first, tail.reader.promise >= known.lsn {
                let promised = min(
                    tail.above.count, Int(tail.reader.promise.value - known.lsn.value) + 1)
                tail.above.removeFirst(promised)
                offsets.removeFirst(promised)
            }
            switch item {
            case .record(let record):
                tail.above.append(record)
                offsets.append(offset)
                continue
            case .sync: continue
            case .cleanEnd: break
            case .bad(let finding): tail.badFrame = finding
            }
            tail.cutOffset = offsets.first ?? offset
            return tail
        }
    }

    /// Decides between damage and a torn tail: throws, or returns.
    func judge(_ finding: String, _ tail: inout LogTail) throws(LogFailure) {
        let bad = tail.reader.nextLSN
        let offset = tail.reader.offset
        let path = tail.reader.path
        if store.appliedLSN >= bad {
            throw damage(
                path, offset, bad, "\(finding), and the store has applied LSN \(store.appliedLSN)")
        }
        let proof = try io { () throws(FileFailure) in try tail.reader.proofOfPromise() }
        if let proof { throw damage(path, offset, bad, "\(finding), and \(proof)") }
    }

    /// Replaces the newest segment's part above the promise by a new segment.
    func rewrite(
        _ tail: LogTail, older: [SegmentReader], _ names: [String], _ report: RecoveryReport
    ) throws(LogFailure) -> RecoveredLog {
        var tail = tail
        var report = report
        var names = names
        if tail.badFrame != nil {
            report.tornTail = try io { () throws(FileFailure) in try keepTorn(&tail, &names) }
        }
        let rewriting = Rewriting(
            logID: tail.reader.header.logID, promise: tail.reader.promise, above: tail.above)
        let isReplaced = tail.reader.header.firstLSN == rewriting.promise.next
        let recovered = try makeActive(
            rewriting, older: isReplaced ? older : older + [tail.reader], names, report)
        if !isReplaced {
            try io { () throws(FileFailure) in try cut(tail.reader.path, at: tail.cutOffset) }
        }
        return recovered
    }

    /// Writes header, records and a sync frame into a new file, makes it durable, and only then gives it its name.
    func makeActive(
        _ rewriting: Rewriting, older: [SegmentReader], _ names: [String], _ report: RecoveryReport
    ) throws(LogFailure) -> RecoveredLog {
        let header = SegmentHeader(
            firstLSN: rewriting.promise.next, logID: rewriting.logID,
            seed: UInt32(truncatingIfNeeded: random.next()))
        let path = state.logPath + "/" + LogFileName.segment(header.firstLSN)
        let temporary = state.logPath + "/" + LogFileName.inTheMaking
        var segments: [SegmentEntry] = []
        for reader in older {
            let bytes = try io { () throws(FileFailure) in try reader.size() }
            segments.append(
                SegmentEntry(firstLSN: reader.header.firstLSN, path: reader.path, bytes: bytes))
        }
        let tornBytes = try io { () throws(FileFailure) in try sizeOfTorn(names) }
        let inUse = segments.reduce(tornBytes) { $0 + $1.bytes }
        let file = try io { () throws(FileFailure) in try fileSystem.open(temporary, .create) }
        var active = ActiveSegment(file: file, path: path, header: header)
        try io { () throws(FileFailure) in
            try active.writeHeader()
            try active.rewrite(rewriting.above, lastLSN: rewriting.lastLSN)
        }
        let paused = try io { () throws(FileFailure) in try reserveRoom(&active, inUse) }
        try io { () throws(FileFailure) in
            try file.sync()
            try fileSystem.rename(temporary, to: path)
            try fileSystem.syncDirectory(state.logPath)
        }
        segments.append(
            SegmentEntry(firstLSN: header.firstLSN, path: path, bytes: active.capacity))
        return RecoveredLog(
            active: active, segments: segments, lastLSN: rewriting.lastLSN, tornBytes: tornBytes,
            paused: paused, report: report)
    }

    /// Lets the segment grow to its full size if the limits and the disk permit; else says why not, and the segment is
    /// full as it is.
    private func reserveRoom(
        _ active: inout ActiveSegment, _ inUse: Int
    ) throws(FileFailure) -> PauseReason? {
        let limits = SegmentLimits(options: options, fileSystem: fileSystem, path: state.logPath)
        if let reason = try limits.reasonAgainst(adding: options.segmentBytes, to: inUse) {
            return reason
        }
        let size = max(active.offset, options.segmentBytes)
        do {
            try active.file.allocate(size)
            active.capacity = size
            return nil
        } catch  where error.isOutOfSpace {
            try active.file.truncate(to: active.offset)
            return .outOfSpace(error)
        }
    }

    private func keepTorn(
        _ tail: inout LogTail, _ names: inout [String]
    ) throws(FileFailure) -> TornTail {
        let kept = names.compactMap(LogFileName.number(ofTorn:))
        let offset = tail.reader.offset
        let name = LogFileName.torn(
            number: (kept.max() ?? 0) + 1, segment: tail.reader.header.firstLSN, offset: offset)
        let copy = try fileSystem.open(state.logPath + "/" + name, .create)
        let end = try tail.reader.endOfContent()
        try tail.reader.copy(offset..<end, into: copy)
        try copy.sync()
        names.append(name)
        let torn = names.filter { LogFileName.number(ofTorn: $0) != nil }.sorted()
        let old = torn.dropLast(options.keptTornTails)
        for name in old { try fileSystem.remove(state.logPath + "/" + name) }
        names.removeAll { old.contains($0) }
        try fileSystem.syncDirectory(state.logPath)
        return TornTail(
            file: tail.reader.path, offset: offset, lsn: tail.reader.nextLSN, bytes: end - offset,
            keptAs: state.logPath + "/" + name)
    }

    private func sizeOfTorn(_ names: [String]) throws(FileFailure) -> Int {
        var bytes = 0
        for name in names where LogFileName.number(ofTorn: name) != nil {
            bytes += try fileSystem.open(state.logPath + "/" + name, .read).size()
        }
        return bytes
    }
}
