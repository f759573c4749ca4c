package enum FrameType: UInt8, Sendable {
    case record = 1
    case sync = 2
    /// The segment is over, and another one stands behind it.
    case followed = 3
}

/// The 32 bytes before a payload, checked alone: see the format at the top of WriteAheadLog.swift.
package struct FrameHeader: Sendable, Equatable {
    /// Header and payload, without padding.
    package let length: Int
    package let type: FrameType
    package let lsn: LSN
    /// All up to here was on disk when the frame was written.
    package let promise: LSN
    package let previousChecksum: UInt32
    package let checksum: UInt32

    package static let byteCount = 32
    package static let maximumPayloadBytes = 2 << 20
    static let checkOffset = 6
    static let checksumOffset = 28

    /// What a frame of this payload takes in a segment, padding included.
    static func paddedBytes(payload: Int) -> Int {
        (byteCount + payload + 7) & ~7
    }

    var paddedLength: Int { FrameHeader.paddedBytes(payload: length - FrameHeader.byteCount) }

    /// Nil unless the 32 bytes at `offset` are a header that this segment's writer made. The payload is not looked at.
    init?(in bytes: RawSpan, at offset: Int, seed: UInt32) {
        let length = Int(bytes.integer(at: offset, as: UInt32.self))
        guard length >= FrameHeader.byteCount,
            length <= FrameHeader.byteCount + FrameHeader.maximumPayloadBytes,
            let type = FrameType(rawValue: bytes.integer(at: offset + 4, as: UInt8.self)),
            bytes.integer(at: offset + 5, as: UInt8.self) == 0
        else { return nil }
        let lsn = bytes.integer(at: offset + 8, as: UInt64.self)
        let promise = bytes.integer(at: offset + 16, as: UInt64.self)
        switch type {
        case .record: guard length > FrameHeader.byteCount, promise < lsn else { return nil }
        case .sync, .followed:
            guard length == FrameHeader.byteCount, promise == lsn else { return nil }
        }
        let check = bytes.integer(at: offset + FrameHeader.checkOffset, as: UInt16.self)
        guard check == FrameHeader.check(of: bytes, at: offset, seed: seed) else { return nil }
        self.length = length
        self.type = type
        self.lsn = LSN(lsn)
        self.promise = LSN(promise)
        previousChecksum = bytes.integer(at: offset + 24, as: UInt32.self)
        checksum = bytes.integer(at: offset + FrameHeader.checksumOffset, as: UInt32.self)
    }

    /// The header's own check: of all fields before the checksum but the check itself.
    static func check(of bytes: RawSpan, at offset: Int, seed: UInt32) -> UInt16 {
        let before = CRC32C.checksum(
            of: bytes.extracting(offset..<offset + checkOffset), seed: seed)
        let whole = CRC32C.checksum(
            of: bytes.extracting(offset + checkOffset + 2..<offset + checksumOffset), seed: before)
        return UInt16(truncatingIfNeeded: whole)
    }

    /// The checksum of the whole frame of `paddedLength` bytes at `offset`, all of them inside `bytes`.
    static func checksum(
        of bytes: RawSpan, at offset: Int, paddedLength: Int, seed: UInt32
    ) -> UInt32 {
        let state = CRC32C.checksum(
            of: bytes.extracting(offset..<offset + checksumOffset), seed: seed)
        return CRC32C.checksum(
            of: bytes.extracting(offset + byteCount..<offset + paddedLength), seed: state)
    }
}

/// Frames of one segment, encoded one behind the other into a buffer that is used again for every group.
struct FrameWriter {
    let seed: UInt32
    /// CRC of the last frame encoded; the segment header's before the first.
    private(set) var chain: UInt32
    private var buffer: [UInt8] = []
    /// Encoded bytes since the last `reset`.
    private(set) var count = 0

    init(header: SegmentHeader) {
        seed = header.seed
        chain = header.checksum
    }

    /// Goes on in another segment, with the buffer of `before`.
    init(header: SegmentHeader, reusing before: consuming FrameWriter) {
        seed = header.seed
        chain = header.checksum
        buffer = before.buffer
    }

    mutating func reset() {
        count = 0
    }

    /// A sync frame, or the one that says that another segment follows.
    mutating func appendPromise(_ type: FrameType, _ lsn: LSN) {
        append(type, lsn: lsn, promise: lsn, payload: [])
    }

    mutating func append(_ type: FrameType, lsn: LSN, promise: LSN, payload: [UInt8]) {
        let start = count
        let length = FrameHeader.byteCount + payload.count
        let padded = FrameHeader.paddedBytes(payload: payload.count)
        makeRoom(for: start + padded)
        if !payload.isEmpty {
            let place = start + FrameHeader.byteCount
            unsafe buffer.withUnsafeMutableBytes { target in
                unsafe payload.withUnsafeBytes { source in
                    unsafe target[place..<place + source.count].copyBytes(from: source)
                }
            }
        }
        for index in start + length..<start + padded { buffer[index] = 0 }
        writeHeader(at: start, UInt32(length), type, lsn, promise)
        let check = unsafe FrameHeader.check(of: buffer.span.bytes, at: start, seed: seed)
        buffer.store(check, at: start + FrameHeader.checkOffset)
        let checksum = unsafe FrameHeader.checksum(
            of: buffer.span.bytes, at: start, paddedLength: padded, seed: seed)
        buffer.store(checksum, at: start + FrameHeader.checksumOffset)
        chain = checksum
        count = start + padded
    }

    /// Hands the encoded bytes to `body`.
    func withEncoded<Failure>(_ body: (RawSpan) throws(Failure) -> Void) throws(Failure) {
        try unsafe body(buffer.span.bytes.extracting(0..<count))
    }

    private mutating func writeHeader(
        at start: Int, _ length: UInt32, _ type: FrameType, _ lsn: LSN, _ promise: LSN
    ) {
        buffer.store(length, at: start)
        buffer.store(type.rawValue, at: start + 4)
        buffer.store(UInt8(0), at: start + 5)
        buffer.store(UInt16(0), at: start + FrameHeader.checkOffset)
        buffer.store(lsn.value, at: start + 8)
        buffer.store(promise.value, at: start + 16)
        buffer.store(chain, at: start + 24)
    }

    private mutating func makeRoom(for size: Int) {
        guard size > buffer.count else { return }
        let target = max(size, 2 * buffer.count, 64 << 10)
        buffer += [UInt8](repeating: 0, count: target - buffer.count)
    }
}
