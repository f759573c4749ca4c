/// The first 64 bytes of a segment.
package struct SegmentHeader: Sendable, Equatable {
    package let firstLSN: LSN
    package let logID: LogID
    package let seed: UInt32
    /// CRC of the header: where the chain of frames starts.
    package let checksum: UInt32

    package static let byteCount = 64
    package static let version: UInt32 = 1
    private static let magic: [UInt8] = Array("s3rmdwal".utf8)
    private static let checksumOffset = 60

    init(firstLSN: LSN, logID: LogID, seed: UInt32) {
        self.firstLSN = firstLSN
        self.logID = logID
        self.seed = seed
        let bytes = SegmentHeader.unsealed(firstLSN, logID, seed)
        checksum = unsafe CRC32C.checksum(
            of: bytes.span.bytes.extracting(0..<SegmentHeader.checksumOffset))
    }

    /// The 64 bytes.
    var encoded: [UInt8] {
        var bytes = SegmentHeader.unsealed(firstLSN, logID, seed)
        bytes.store(checksum, at: SegmentHeader.checksumOffset)
        return bytes
    }

    private static func unsealed(_ firstLSN: LSN, _ logID: LogID, _ seed: UInt32) -> [UInt8] {
        var bytes = magic + [UInt8](repeating: 0, count: byteCount - magic.count)
        bytes.replaceSubrange(24..<40, with: logID.bytes)
        bytes.store(version, at: 8)
        bytes.store(firstLSN.value, at: 16)
        bytes.store(seed, at: 40)
        return bytes
    }

    package enum Invalid: Error, Equatable {
        case newerVersion(UInt32)
        case damaged(String)
    }

    /// Decodes what a file begins with.
    init(decoding bytes: [UInt8]) throws(Invalid) {
        guard bytes.count >= SegmentHeader.byteCount else {
            throw .damaged("the file is shorter than a segment header")
        }
        guard bytes.starts(with: SegmentHeader.magic) else {
            throw .damaged("the file does not begin as a segment does")
        }
        let raw = unsafe bytes.span.bytes
        let version = raw.integer(at: 8, as: UInt32.self)
        guard version <= SegmentHeader.version else { throw .newerVersion(version) }
        let stored = raw.integer(at: SegmentHeader.checksumOffset, as: UInt32.self)
        let actual = CRC32C.checksum(of: raw.extracting(0..<SegmentHeader.checksumOffset))
        guard stored == actual, version == SegmentHeader.version,
            let logID = LogID(bytes: Array(bytes[24..<40]))
        else { throw .damaged("the segment header's checksum does not hold") }
        firstLSN = LSN(raw.integer(at: 16, as: UInt64.self))
        self.logID = logID
        seed = raw.integer(at: 40, as: UInt32.self)
        checksum = stored
    }
}
