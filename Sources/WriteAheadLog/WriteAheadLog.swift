// The write-ahead log: opaque payloads, made durable in groups, read back in order, removed once applied elsewhere.
//
// FORMAT VERSION 1. All integers are little-endian. Directory: `STATE/wal`, guarded by `flock` on `STATE/lock`.
//
//     <first LSN, 20 digits>.wal      a segment
//     next.tmp                        a segment in the making: zeros, no header. Recovery deletes it
//     <number, 10 digits>-<segment's first LSN, 20 digits>-<offset>.torn
//                                     what recovery cut: evidence, never read again. The newest 3 are kept
//
// Segment header, 64 bytes:
//
//      0  8  magic "s3rmdwal"
//      8  4  version, 1
//     12  4  zero
//     16  8  first LSN: that of the segment's first record. It is also a promise: all before it is on disk
//     24 16  log ID, random, the same in all segments and in the store that the log is married to
//     40  4  seed, random per segment
//     44 16  zero
//     60  4  CRC32C of bytes 0..<60
//
// Frames follow, each 8-byte aligned, with a header of 32 bytes:
//
//      0  4  length: header and payload, without padding; 32 ... 32 + 2 MiB, so never 0
//      4  1  type: 1 record, 2 sync, 3 followed: a sync frame that ends a segment and says that another one exists
//      5  1  flags, 0
//      6  2  check: low 16 bits of the CRC32C, seeded, of header bytes 0..<6 and 8..<28. With it the search
//            after a bad frame rejects a false header at once, however long a payload it claims
//      8  8  LSN: a record's own, 1 greater than the one before; a sync frame's is that of the last record
//     16  8  synced LSN, the promise: when this frame was written all up to here was on disk.
//            Less than the LSN in a record, equal to it in a sync frame
//     24  4  previous frame's CRC; the segment header's for the first frame: the chain
//     28  4  CRC32C, seeded, of header bytes 0..<28, payload and padding
//     32     payload: 1 byte ... 2 MiB in a record, none in a sync frame; then zeros to the next multiple of 8
//
// CRC32C is Castagnoli's, inverted before and after (check value of "123456789": e3069283). "Seeded" goes on from
// the segment's seed as if it were the CRC of bytes before these. Who writes a payload does not know the seed, so a
// frame embedded in one is not valid.
//
// A frame is *valid alone* iff length, type, flags, check and CRC hold and its promise fits its type. It is *next* iff
// it also has the expected LSN and continues the chain. A frame never spans segments.
//
// A segment's records end at the first offset where no next frame stands. It is a *clean end* iff zeros follow to the
// end of the file. What else it may be is decided in Recovery.swift.
//
// Order of writes, on which recovery relies:
// 1. A group of records is written, fdatasynced, then acknowledged. Its frames carry the promise as of before.
// 2. A sync frame is written only after the records before it were synced, and is synced itself before any other
//    frame is written.
// 3. Before a switch the old segment ends with a synced sync frame (or with its header when it holds no record); then
//    header, fdatasync, rename, directory fsync of the new one; then the old one's followed frame, fdatasync; only then
//    frames of the new one. So only the newest segment holds records above the promise, and one that claims a
//    follower and is the last shows that the newest is lost.
// 4. Segments are removed oldest first, with a directory fsync after each.

/// A record's number. The first record of a log is 1; 0 stands for none.
package struct LSN: Comparable, Hashable, Sendable, CustomStringConvertible {
    package let value: UInt64

    package init(_ value: UInt64) {
        self.value = value
    }

    package static let none = LSN(0)

    package var next: LSN { LSN(value + 1) }

    package var description: String { String(value) }

    package static func < (left: LSN, right: LSN) -> Bool { left.value < right.value }
}

/// What makes a log and a store a pair: 16 random bytes, written as 32 hexadecimal digits.
package struct LogID: Hashable, Sendable, CustomStringConvertible {
    /// Always 16.
    package let bytes: [UInt8]

    /// Nil unless there are 16 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == LogID.byteCount else { return nil }
        self.bytes = bytes
    }

    static let byteCount = 16

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// One record as it was appended.
package struct LogRecord: Sendable, Equatable {
    package let lsn: LSN
    package let payload: [UInt8]
}

/// What the store remembers of the log that feeds it. A new store: no ID, LSN 0.
package struct StoreMark: Sendable {
    package var logID: LogID?
    /// The greatest LSN whose record is durable in the store.
    package var appliedLSN: LSN

    package init(logID: LogID?, appliedLSN: LSN) {
        self.logID = logID
        self.appliedLSN = appliedLSN
    }
}
