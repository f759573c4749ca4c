import SystemIO
import TestSupport
import Testing
import WriteAheadLog

/// Format version 1 as bytes. What is here was written by version 1 and must be read for ever: never change it, add
/// another for another version.
struct GoldenTests {
    private static let name = "00000000000000000001.wal"
    private static let payloads: [[UInt8]] = [
        Array("first".utf8), [0], Array("eight by".utf8), (0...99).map { UInt8($0) },
    ]
    /// The segment without the zeros at its end.
    private static let golden = """
        7333726d6477616c01000000000000000100000000000000eca1ee90d8ff6c0f
        de8e774d8ad6ae17630bfdb7000000000000000000000000000000000656d5f5
        20000000020007f1000000000000000000000000000000000656d5f5cc7eb8a4
        250000000100fef401000000000000000000000000000000cc7eb8a4a68d46b7
        666972737400000021000000010016ce02000000000000000000000000000000
        a68d46b7a20176f50000000000000000280000000100eae00300000000000000
        0200000000000000a20176f534036b2b65696768742062798400000001006cbf
        0400000000000000020000000000000034036b2b8ce388280001020304050607
        08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627
        28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344454647
        48494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f6061626300000000
        2000000002003c91040000000000000004000000000000008ce388280522107d
        """

    private static var bytes: [UInt8] {
        let digits = golden.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }

    private func open(_ disk: SimulatedDisk) throws -> (log: SegmentedLog, report: RecoveryReport) {
        let queue = QueueExecutor.blocking("log")
        return try SegmentedLog.open(
            directory: try StateDirectory.lock("/state", fileSystem: disk, holder: "test"),
            clock: ManualClock(), random: SeededRandom(seed: 1), executor: queue, helper: queue,
            options: LogBench.smallSegments, store: StoreMark(logID: nil, appliedLSN: .none))
    }

    private func content(_ disk: SimulatedDisk) throws -> [UInt8] {
        let file = try disk.open("/state/wal/" + Self.name, .read)
        var bytes = [UInt8](repeating: 0, count: try file.size())
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        _ = try file.read(into: &raw, at: 0)
        return bytes
    }

    @Test func `the same records and random numbers give the same bytes`() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try open(disk)
        _ = try await log.append(Array(Self.payloads[..<2]))
        _ = try await log.append(Array(Self.payloads[2...]))
        await log.close()
        let written = try content(disk)
        #expect(Array(written.prefix(Self.bytes.count)) == Self.bytes)
        #expect(written.dropFirst(Self.bytes.count).allSatisfy { $0 == 0 })
        #expect(written.count == 4096)
    }

    @Test func `version 1 is read`() async throws {
        let disk = SimulatedDisk()
        try disk.makeDirectory("/state")
        try disk.makeDirectory("/state/wal")
        let file = try disk.open("/state/wal/" + Self.name, .create)
        try file.write(Self.bytes.span.bytes, at: 0)
        let (log, report) = try open(disk)
        #expect(try all(of: log).map(\.payload) == Self.payloads)
        #expect(log.logID.description == "eca1ee90d8ff6c0fde8e774d8ad6ae17")
        #expect(report.lastLSN == LSN(4) && report.tornTail == nil && !report.isNew)
        await log.close()
    }

    @Test func `its description alone gives the same bytes`() {
        let golden = Self.bytes
        let seed: UInt32 = ReferenceFormat.number(golden, 40)
        var built = ReferenceFormat.header(first: 1, logID: Array(golden[24..<40]), seed: seed)
        var chain: UInt32 = ReferenceFormat.number(built, 60)
        let frames: [(type: UInt8, lsn: UInt64, promise: UInt64, payload: [UInt8])] = [
            (2, 0, 0, []), (1, 1, 0, Self.payloads[0]), (1, 2, 0, Self.payloads[1]),
            (1, 3, 2, Self.payloads[2]), (1, 4, 2, Self.payloads[3]), (2, 4, 4, []),
        ]
        for frame in frames {
            let (bytes, crc) = ReferenceFormat.frame(
                type: frame.type, lsn: frame.lsn, promise: frame.promise, previous: chain,
                payload: frame.payload, seed: seed)
            built += bytes
            chain = crc
        }
        #expect(built == golden)
    }
}
