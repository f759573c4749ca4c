package import SystemIO

/// What `wal verify` and `wal dump` see: a log read from its files alone, without the lock and without a change. It
/// judges as recovery does, but knows no store, so what only the store's mark promises passes for a torn tail here.
package struct LogInspection: Sendable {
    package struct Segment: Sendable {
        package let path: String
        /// From the name.
        package let firstLSN: LSN
        /// The last record that can be read; one less than `firstLSN` when there is none.
        package var lastLSN: LSN
        package var recordFrames = 0
        package var syncFrames = 0
        package var promise = LSN.none
        /// Records from here on stand in the next segment too: a recovery was interrupted, the next start cuts them.
        package var overlapOffset: Int?
        package var problem: LogProblem?
    }

    /// Oldest first.
    package private(set) var segments: [Segment] = []
    package private(set) var logID: LogID?
    /// Names of what earlier recoveries cut.
    package let tornTails: [String]
    private let directory: String
    private let fileSystem: any FileSystem

    /// Reads the log in the state directory `directory` and hands each readable record to `body` in order, with the
    /// path of its segment. Goes on behind problems.
    ///
    /// - Parameter isLive: a daemon writes to the log meanwhile. It may remove segments, and what it is writing at the
    ///   end is looked at again before it counts as a problem.
    package init(
        directory: String, fileSystem: any FileSystem, isLive: Bool,
        _ body: (LogRecord, String) -> Void = { _, _ in }
    ) throws(FileFailure) {
        self.directory = directory
        self.fileSystem = fileSystem
        let names = try fileSystem.names(in: directory + "/wal").sorted()
        tornTails = names.filter { LogFileName.number(ofTorn: $0) != nil }
        let firsts = names.compactMap(LogFileName.firstLSN(ofSegment:)).sorted()
        for (index, first) in firsts.enumerated() {
            let next = index + 1 < firsts.count ? firsts[index + 1] : nil
            do { segments.append(try read(first, before: next, isLive, body)) } catch
                where isLive && error.isNotFound && next != nil
            {}
        }
    }

    /// The worst that was found, in the order in which recovery would meet it.
    package var problems: [LogProblem] { segments.compactMap(\.problem) }

    private mutating func read(
        _ first: LSN, before next: LSN?, _ isLive: Bool, _ body: (LogRecord, String) -> Void
    ) throws(FileFailure) -> Segment {
        let path = directory + "/wal/" + LogFileName.segment(first)
        var segment = Segment(path: path, firstLSN: first, lastLSN: LSN(first.value - 1))
        var reader: SegmentReader
        do { reader = try SegmentReader(path, in: fileSystem) } catch {
            switch error {
            case .io(let failure): throw failure
            case .header(let invalid): segment.problem = problem(path, first, invalid)
            }
            return segment
        }
        segment.problem = headerProblem(reader, first)
        if segment.problem != nil { return segment }
        logID = logID ?? reader.header.logID
        while true {
            let offset = reader.offset
            switch try reader.next() {
            case .sync: segment.syncFrames += 1
            case .record(let record):
                if let next, record.lsn >= next {
                    segment.overlapOffset = offset
                    return segment
                }
                segment.recordFrames += 1
                segment.lastLSN = record.lsn
                body(record, path)
            case .cleanEnd:
                segment.promise = reader.promise
                // A daemon that goes on writing made it since the names were read.
                if next == nil, reader.isFollowed, !isLive {
                    segment.problem = LogProblem(
                        kind: .gap, file: path, offset: offset, lsn: reader.nextLSN,
                        finding: "another segment followed, and it is missing")
                }
                if let next, reader.nextLSN != next {
                    segment.problem = LogProblem(
                        kind: .gap, file: path, offset: offset, lsn: reader.nextLSN,
                        finding: "no segment holds the records from here to LSN \(next.value - 1)")
                }
                return segment
            case .bad(let finding):
                segment.promise = reader.promise
                if next == nil, isLive, try isBeingWritten(&reader, body, &segment) { continue }
                try judge(finding, &reader, next, &segment)
                return segment
            }
        }
    }

    /// Whether the bad place of a moment ago is a frame now.
    private func isBeingWritten(
        _ reader: inout SegmentReader, _ body: (LogRecord, String) -> Void,
        _ segment: inout Segment
    ) throws(FileFailure) -> Bool {
        for _ in 0..<5 {
            reader.refresh()
            switch try reader.next() {
            case .bad: continue
            case .cleanEnd: return true
            case .sync: segment.syncFrames += 1
            case .record(let record):
                segment.recordFrames += 1
                segment.lastLSN = record.lsn
                body(record, segment.path)
            }
            return true
        }
        return false
    }

    private func judge(
        _ finding: String, _ reader: inout SegmentReader, _ next: LSN?, _ segment: inout Segment
    ) throws(FileFailure) {
        if let next, reader.nextLSN == next {
            segment.overlapOffset = reader.offset
            return
        }
        let (lsn, offset) = (reader.nextLSN, reader.offset)
        var kind = LogProblem.Kind.damage
        var text = finding
        if let next {
            text += ", and the next segment promises all before LSN \(next)"
        } else if let proof = try reader.proofOfPromise() {
            text += ", and \(proof)"
        } else {
            kind = .tornTail
            text += "; nothing shows that it was ever acknowledged"
        }
        segment.problem = LogProblem(
            kind: kind, file: segment.path, offset: offset, lsn: lsn, finding: text)
    }

    private func headerProblem(_ reader: SegmentReader, _ first: LSN) -> LogProblem? {
        if reader.header.firstLSN != first {
            return LogProblem(
                kind: .damage, file: reader.path, offset: 16, lsn: first,
                finding: "the segment header has first LSN \(reader.header.firstLSN)")
        }
        guard let logID, logID != reader.header.logID else { return nil }
        return LogProblem(
            kind: .otherLog, file: reader.path, offset: 24, lsn: first,
            finding: "belongs to log \(reader.header.logID), the segments before it to log \(logID)"
        )
    }

    private func problem(
        _ path: String, _ first: LSN, _ invalid: SegmentHeader.Invalid
    ) -> LogProblem {
        switch invalid {
        case .newerVersion(let version):
            LogProblem(
                kind: .newerFormat, file: path, offset: 8, lsn: first,
                finding: "has log format version \(version) and this program knows "
                    + "\(SegmentHeader.version): run the newer s3remedyd")
        case .damaged(let finding):
            LogProblem(kind: .damage, file: path, offset: 0, lsn: first, finding: finding)
        }
    }
}

/// One thing that is wrong with a log, and where.
package struct LogProblem: Sendable, Equatable {
    package enum Kind: Sendable {
        /// Promised and not to be read.
        case damage
        /// Never acknowledged as far as the log shows: the next start cuts it and keeps a copy.
        case tornTail
        case gap
        case otherLog
        case newerFormat
    }

    package let kind: Kind
    package let file: String
    package let offset: Int
    package let lsn: LSN
    package let finding: String
}
