package import SystemIO

/// Reads one segment's frames in order, checking each. It knows nothing of other segments, changes nothing, and holds
/// at most a window of the file in memory: recovery, the flusher's reader and the `wal` commands stand on it.
package struct SegmentReader {
    package let header: SegmentHeader
    package let path: String
    /// Where the next frame starts.
    package private(set) var offset = SegmentHeader.byteCount
    /// The LSN that the next record has.
    package private(set) var nextLSN: LSN
    /// The greatest promise seen; at first the header's own.
    package private(set) var promise: LSN
    /// It says that another segment stands behind it.
    package private(set) var isFollowed = false
    private var chain: UInt32
    private var window: FileWindow

    package enum Item {
        case record(LogRecord)
        /// A sync frame, or the one that says that another segment follows.
        case sync
        /// No frame, and nothing but zeros to the end of the file.
        case cleanEnd
        /// No next frame, and other bytes than zeros: what is wrong with the frame at `offset`.
        case bad(String)
    }

    package enum OpenFailure: Error {
        case io(FileFailure)
        case header(SegmentHeader.Invalid)
    }

    package init(_ path: String, in fileSystem: any FileSystem) throws(OpenFailure) {
        var start = [UInt8](repeating: 0, count: SegmentHeader.byteCount)
        do throws(FileFailure) {
            let file = try fileSystem.open(path, .read)
            let count = try start.fill(from: file, at: 0)
            start.removeLast(start.count - count)
            window = FileWindow(file)
        } catch { throw .io(error) }
        do { header = try SegmentHeader(decoding: start) } catch { throw .header(error) }
        self.path = path
        nextLSN = header.firstLSN
        promise = LSN(header.firstLSN.value &- 1)
        chain = header.checksum
    }

    /// Forgets bytes read before: the file has grown since.
    mutating func refresh() {
        window.invalidate()
    }

    /// Reads the next frame and steps over it; stays where it is at an end or a bad frame.
    package mutating func next() throws(FileFailure) -> Item {
        guard let index = try window.load(offset, FrameHeader.byteCount) else {
            return try restIsZero(from: offset)
                ? .cleanEnd : .bad("other bytes than zeros at the end of the file")
        }
        if unsafe window.bytes.span.bytes.integer(at: index, as: UInt32.self) == 0 {
            return try restIsZero(from: offset)
                ? .cleanEnd : .bad("no frame before other bytes than zeros")
        }
        guard let frame = try validFrame(at: offset) else {
            return .bad("the frame's checksum does not hold")
        }
        let expected = frame.type == .record ? nextLSN : LSN(nextLSN.value - 1)
        guard frame.lsn == expected else {
            return .bad("the frame has LSN \(frame.lsn) where \(expected) is next")
        }
        guard frame.previousChecksum == chain else {
            return .bad("the frame does not continue the chain")
        }
        let place = try window.load(offset, frame.paddedLength) ?? 0
        chain = frame.checksum
        promise = max(promise, frame.promise)
        offset += frame.paddedLength
        guard frame.type == .record else {
            isFollowed = isFollowed || frame.type == .followed
            return .sync
        }
        nextLSN = nextLSN.next
        let payload = window.bytes[place + FrameHeader.byteCount..<place + frame.length]
        return .record(LogRecord(lsn: frame.lsn, payload: Array(payload)))
    }

    /// The frame at `position` if it is valid alone.
    package mutating func validFrame(at position: Int) throws(FileFailure) -> FrameHeader? {
        guard let index = try window.load(position, FrameHeader.byteCount),
            let frame = unsafe FrameHeader(
                in: window.bytes.span.bytes, at: index, seed: header.seed),
            let place = try window.load(position, frame.paddedLength)
        else { return nil }
        let actual = unsafe FrameHeader.checksum(
            of: window.bytes.span.bytes, at: place, paddedLength: frame.paddedLength,
            seed: header.seed)
        return actual == frame.checksum ? frame : nil
    }

    /// Tries every 8-byte offset from `offset` to the end of the file, and hands each frame that is valid alone to
    /// `body` with its place, until it answers false.
    package mutating func searchFrames(
        _ body: (FrameHeader, Int) -> Bool
    ) throws(FileFailure) {
        let size = try window.file.size()
        var position = offset
        while position + FrameHeader.byteCount <= size {
            if let frame = try validFrame(at: position), !body(frame, position) { return }
            position += 8
        }
    }

    /// Steps from the bad place at `offset` to the first frame behind it that is valid alone and whose LSN may stand
    /// there; false, and no step, when there is none. What was read before it stays in order: no LSN comes twice.
    mutating func resume() throws(FileFailure) -> Bool {
        let (bad, start) = (nextLSN, offset)
        var found: (frame: FrameHeader, position: Int)?
        offset += 8
        try searchFrames { frame, position in
            let next = frame.type == .record ? frame.lsn : LSN(frame.lsn.value &+ 1)
            // A record takes at least a header, so no LSN is farther away than that.
            let farthest = bad.value + UInt64((position - start) / FrameHeader.byteCount) + 1
            guard next >= bad, next.value <= farthest else { return true }
            found = (frame, position)
            return false
        }
        guard let (frame, position) = found else {
            offset = start
            return false
        }
        offset = position
        nextLSN = frame.type == .record ? frame.lsn : LSN(frame.lsn.value + 1)
        chain = frame.previousChecksum
        return true
    }

    /// How frames behind the bad one at `offset` show that it was promised; nil when none does.
    mutating func proofOfPromise() throws(FileFailure) -> String? {
        let (bad, start) = (nextLSN, offset)
        var proof: String?
        try searchFrames { frame, position in
            // A record takes at least a header, so no LSN is farther away than that.
            let farthest = bad.value + UInt64((position - start) / FrameHeader.byteCount)
            guard frame.lsn.value <= farthest else { return true }
            if frame.promise >= bad {
                proof = "the frame at offset \(position) promises LSN \(frame.promise)"
            } else if frame.type == .record && frame.lsn == bad {
                proof = "LSN \(bad) follows at offset \(position), so a sync frame is lost"
            }
            return proof == nil
        }
        return proof
    }

    /// The end of the last byte that is not zero; `offset` when all from there on are.
    package mutating func endOfContent() throws(FileFailure) -> Int {
        var end = offset
        var position = offset
        while true {
            let part = try window.loadSome(position)
            if part.isEmpty { return end }
            if let last = window.bytes[part].lastIndex(where: { $0 != 0 }) {
                end = position + last - part.lowerBound + 1
            }
            position += part.count
        }
    }

    package func size() throws(FileFailure) -> Int {
        try window.file.size()
    }

    /// Copies a part of the segment to the start of `target`.
    mutating func copy(_ range: Range<Int>, into target: any OpenFile) throws(FileFailure) {
        var position = range.lowerBound
        while position < range.upperBound {
            let part = try window.loadSome(position).prefix(range.upperBound - position)
            if part.isEmpty { return }
            try unsafe target.write(
                window.bytes.span.bytes.extracting(part), at: position - range.lowerBound)
            position += part.count
        }
    }

    private mutating func restIsZero(from start: Int) throws(FileFailure) -> Bool {
        var position = start
        while true {
            let part = try window.loadSome(position)
            if part.isEmpty { return true }
            if unsafe !window.bytes.span.bytes.extracting(part).isZero { return false }
            position += part.count
        }
    }
}
