internal import SystemIO

/// One segment as the log knows it.
struct SegmentEntry: Sendable {
    let firstLSN: LSN
    let path: String
    let bytes: Int
}

/// The segment that is written to. Owned by recovery, then by the committer.
struct ActiveSegment {
    let file: any OpenFile
    let path: String
    let header: SegmentHeader
    /// Where the next frame goes.
    private(set) var offset = SegmentHeader.byteCount
    /// Where the segment is full.
    var capacity = 0
    private(set) var writer: FrameWriter

    init(file: any OpenFile, path: String, header: SegmentHeader) {
        self.file = file
        self.path = path
        self.header = header
        writer = FrameWriter(header: header)
    }

    /// The segment behind `before`, whose buffer it takes over.
    init(file: any OpenFile, path: String, header: SegmentHeader, after before: ActiveSegment) {
        self.file = file
        self.path = path
        self.header = header
        writer = FrameWriter(header: header, reusing: before.writer)
    }

    /// What records may still take: room for the last two frames is kept back, a sync frame and the one that says that
    /// another segment follows.
    var room: Int { capacity - offset - 2 * FrameHeader.byteCount }

    /// Bytes encoded and not written.
    var encodedBytes: Int { writer.count }

    func writeHeader() throws(FileFailure) {
        let bytes = header.encoded
        try unsafe file.write(bytes.span.bytes, at: 0)
    }

    mutating func encode(_ payload: [UInt8], lsn: LSN, promise: LSN) {
        writer.append(.record, lsn: lsn, promise: promise, payload: payload)
    }

    mutating func encodeSync(_ lsn: LSN) {
        writer.appendPromise(.sync, lsn)
    }

    mutating func encodeFollowed(_ lsn: LSN) {
        writer.appendPromise(.followed, lsn)
    }

    /// Says durably that another segment follows. A segment that was opened without room says nothing.
    mutating func endFollowed(_ lsn: LSN) throws(FileFailure) {
        guard offset + FrameHeader.byteCount <= capacity else { return }
        encodeFollowed(lsn)
        try write()
        try file.syncData()
    }

    /// Writes what is encoded. Not durable before `file.syncData()`.
    mutating func write() throws(FileFailure) {
        let (file, offset) = (file, offset)
        try writer.withEncoded { (bytes) throws(FileFailure) in try file.write(bytes, at: offset) }
        self.offset += writer.count
        writer.reset()
    }

    /// Writes records found by recovery, and the sync frame that makes them promised.
    mutating func rewrite(_ records: [LogRecord], lastLSN: LSN) throws(FileFailure) {
        for record in records {
            encode(record.payload, lsn: record.lsn, promise: LSN(header.firstLSN.value - 1))
            if encodedBytes >= Committer.maximumGroupBytes / 2 { try write() }
        }
        encodeSync(lastLSN)
        try write()
        capacity = offset
    }
}

/// Whether a new segment may be made.
struct SegmentLimits {
    let options: LogOptions
    let fileSystem: any FileSystem
    let path: String

    func reasonAgainst(adding bytes: Int, to inUse: Int) throws(FileFailure) -> PauseReason? {
        if inUse + bytes > options.maximumBytes {
            return .maximumBytes(limit: options.maximumBytes, inUse: inUse)
        }
        let available = try fileSystem.availableBytes(at: path)
        if available - bytes < options.minimumFreeBytes {
            return .minimumFreeBytes(limit: options.minimumFreeBytes, available: available)
        }
        return nil
    }
}
