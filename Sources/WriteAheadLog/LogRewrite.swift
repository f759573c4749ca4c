package import SystemIO

/// Writes a log that nobody reads yet, from its first record to the closing sync frame, segment by segment.
struct LogWriter {
    private let directory: String
    private let fileSystem: any FileSystem
    private let logID: LogID
    private let random: any RandomSource
    private let segmentBytes: Int
    private var active: ActiveSegment?
    /// The last record written.
    private(set) var last: LSN
    private(set) var records = 0

    /// - Parameter last: the first record written has the LSN behind it.
    init(
        in directory: String, _ fileSystem: any FileSystem, logID: LogID, after last: LSN,
        random: any RandomSource, segmentBytes: Int
    ) throws(FileFailure) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.logID = logID
        self.random = random
        self.segmentBytes = segmentBytes
        self.last = last
        try begin()
    }

    mutating func append(_ payload: [UInt8]) throws(FileFailure) {
        let bytes = FrameHeader.paddedBytes(payload: payload.count)
        if let open = active, open.room < open.encodedBytes + bytes {
            try end(isFollowed: true)
            try begin()
        }
        guard let promise = active.map({ LSN($0.header.firstLSN.value - 1) }) else { return }
        last = last.next
        records += 1
        active?.encode(payload, lsn: last, promise: promise)
        if let open = active, open.encodedBytes >= Committer.maximumGroupBytes / 2 {
            try active?.write()
        }
    }

    /// Makes all durable, the names too.
    mutating func finish() throws(FileFailure) {
        try end(isFollowed: false)
        try fileSystem.syncDirectory(directory)
    }

    private mutating func begin() throws(FileFailure) {
        let header = SegmentHeader(
            firstLSN: last.next, logID: logID, seed: UInt32(truncatingIfNeeded: random.next()))
        let path = directory + "/" + LogFileName.segment(header.firstLSN)
        var segment = ActiveSegment(
            file: try fileSystem.open(path, .create), path: path, header: header)
        segment.capacity = segmentBytes
        try segment.writeHeader()
        active = segment
    }

    private mutating func end(isFollowed: Bool) throws(FileFailure) {
        active?.encodeSync(last)
        if isFollowed { active?.encodeFollowed(last) }
        try active?.write()
        try active?.file.sync()
        active = nil
    }
}

/// A fresh log made of what another one still holds and the store has not: the core of `wal adopt` and `wal salvage`.
///
/// It has an ID of its own and goes on behind the greatest LSN that anything ever had, so no LSN is given twice. The
/// store that it belongs to has to take `mark`.
package struct LogRewrite: Sendable {
    /// What was left out of what the store has not, in the order of the segments.
    package let missing: [ReadableLog.Missing]
    /// What the store has to remember.
    package let mark: StoreMark
    package let carried: Int
    /// Records left behind because the store has them.
    package let applied: Int

    /// Reads what was `seen` once more, and writes it into `target`, which is made, or emptied of an earlier try.
    ///
    /// - Parameter store: nil when there is no store: then the fresh log starts with LSN 1, as for a new one.
    package init(
        of seen: ReadableLog, into target: String, store: StoreMark?, random: any RandomSource,
        segmentBytes: Int = LogOptions().segmentBytes
    ) throws(FileFailure) {
        let fileSystem = seen.fileSystem
        let last = store.map { max(seen.greatestLSN, $0.appliedLSN) } ?? .none
        try fileSystem.makeDirectory(target)
        for name in try fileSystem.names(in: target) { try fileSystem.remove(target + "/" + name) }
        let logID = LogID.random(random)
        var writer = try LogWriter(
            in: target, fileSystem, logID: logID, after: last, random: random,
            segmentBytes: segmentBytes)
        var applied = 0
        _ = try ReadableLog(in: seen.directory, fileSystem) {
            (record, origin) throws(FileFailure) in
            if let store, store.logID == origin, record.lsn <= store.appliedLSN {
                applied += 1
            } else {
                try writer.append(record.payload)
            }
        }
        try writer.finish()
        missing = Self.missing(of: seen, store)
        self.applied = applied
        carried = writer.records
        mark = StoreMark(logID: logID, appliedLSN: last)
    }

    /// What the store has nobody misses; what stands neither in it nor in the log is missing too.
    private static func missing(
        of log: ReadableLog, _ store: StoreMark?
    ) -> [ReadableLog.Missing] {
        let applied = store?.appliedLSN ?? .none
        guard store?.logID == nil || log.logIDs.first == store?.logID, log.logIDs.count == 1,
            let first = log.firstLSNs.first
        else { return log.missing }
        let before = ReadableLog.Missing(
            kind: .gap, file: log.directory, bytes: 0..<0, first: applied.next,
            last: LSN(first.value - 1),
            finding: store == nil
                ? "the store that had them is not there, and no segment holds them"
                : "the store has not applied them, and no segment holds them")
        let own = log.missing.filter { $0.last.map { $0 > applied } ?? true }
        return first > applied.next ? [before] + own : own
    }
}

extension LogID {
    static func random(_ random: any RandomSource) -> LogID {
        var bytes: [UInt8] = []
        while bytes.count < byteCount {
            bytes.append(UInt8(truncatingIfNeeded: random.next() >> 32))
        }
        guard let id = LogID(bytes: bytes) else { preconditionFailure("16 bytes are an ID") }
        return id
    }
}
