import Daemon
import LogRecords
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

struct WALCommandsTests {
    private static let records = 12

    /// A closed log of several segments in a directory of its own, and its segments' paths.
    private func log(
        _ body: (StateDirectory) async throws -> Void = { _ in }
    ) async throws -> (directory: TemporaryDirectory, segments: [String]) {
        let directory = TemporaryDirectory()
        var options = LogOptions()
        options.segmentBytes = 4096
        options.minimumFreeBytes = 0
        let state = try StateDirectory.lock(
            directory.path, fileSystem: PosixFileSystem(), holder: "s3remedyd test")
        let (log, _) = try SegmentedLog.open(
            directory: state, clock: SystemClock(), random: SystemRandom(),
            executor: QueueExecutor.blocking("committer"),
            helper: QueueExecutor.blocking("helper"), options: options,
            store: StoreMark(logID: nil, appliedLSN: .none))
        for number in 1...Self.records {
            let event = failureEvent(
                key: "k \(number)\n", reason: String(repeating: "R", count: 1000))
            _ = try await log.append([LogPayload.event(event).encode()])
        }
        await log.close()
        try await body(state)
        let names = try PosixFileSystem().names(in: state.logPath).sorted()
        return (directory, names.map { state.logPath + "/" + $0 })
    }

    /// Flips one bit; answers the byte's new value.
    private func flip(_ path: String, _ offset: Int, with mask: UInt8 = 1) throws {
        let file = try PosixFileSystem().open(path, .modify)
        var bytes: [UInt8] = [0]
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        _ = try file.read(into: &raw, at: offset)
        bytes[0] ^= mask
        try file.write(bytes.span.bytes, at: offset)
    }

    @Test func `a whole log is clean, and dump prints each record`() async throws {
        let (directory, segments) = try await log()
        let (text, status) = verifyLog(directory: directory.path + "/")
        #expect(status == 0)
        let lines = text.split(separator: "\n")
        #expect(lines.count == segments.count + 2, "\(text)")
        #expect(lines.last == "clean: every record can be read")
        #expect(lines[1].contains("LSN 1 to 3, 3 record frames"), "\(text)")
        #expect(lines[1].contains("all up to LSN 3 promised"), "\(text)")
        var dumped: [String] = []
        let (notice, end) = dumpLog(directory: directory.path) { dumped.append($0) }
        #expect(notice.isEmpty && end == 0)
        #expect(dumped.count == Self.records)
        let start = "7\trecord\t"
        #expect(dumped[6].hasPrefix(start))
        #expect(
            dumped[6].contains(
                "\toperationFailed\tbucket=orders rule=r1 key=k%207%0A version=v1 reason=RRR"))
    }

    @Test func `damage is named with file, offset and LSN, and what follows is still dumped`()
        async throws
    {
        let (directory, segments) = try await log()
        try flip(segments[1], 64 + 40)
        let (text, status) = verifyLog(directory: directory.path)
        #expect(status == 78)
        #expect(
            text.contains(
                "DAMAGE: \(segments[1]) offset 64, LSN 4: the frame's checksum does not hold, and "
                    + "the next segment promises all before LSN 7"), "\(text)")
        #expect(text.contains("damaged: 1 problem. Change nothing in \(directory.path)"))
        var dumped: [String] = []
        let (notice, end) = dumpLog(directory: directory.path) { dumped.append($0) }
        #expect(end == 78 && notice.contains("offset 64, LSN 4"))
        #expect(dumped.count == Self.records - 3)
    }

    @Test func `the verdict tells what each trouble is`() async throws {
        let cases: [(String, Int32, (TemporaryDirectory, [String]) throws -> Void)] = [
            ("torn tail: ", 0, { _, segments in try flip(segments[3], 4000) }),
            ("DAMAGE: ", 78, { _, segments in try flip(segments[3], 64) }),
            ("does not begin as a segment does", 78, { _, segments in try flip(segments[0], 1) }),
            ("NEWER FORMAT: ", 78, { _, segments in try flip(segments[2], 8, with: 2) }),
            ("checksum does not hold", 78, { _, segments in try flip(segments[2], 20) }),
            ("GAP: ", 78, { _, segments in try PosixFileSystem().remove(segments[1]) }),
            (
                "holds no log segment", 78,
                { _, segments in for path in segments { try PosixFileSystem().remove(path) } }
            ),
        ]
        for (words, expected, change) in cases {
            let (directory, segments) = try await log()
            try change(directory, segments)
            let (text, status) = verifyLog(directory: directory.path)
            #expect(status == expected && text.contains(words), "\(text)")
            var lines = 0
            let (_, end) = dumpLog(directory: directory.path) { _ in lines += 1 }
            #expect(end == expected)
        }
        print("verdicts: \(cases.count)")
    }

    @Test func `a segment of another log is named`() async throws {
        let (directory, segments) = try await log()
        let (other, others) = try await log()
        try PosixFileSystem().rename(others[2], to: segments[2])
        let (text, status) = verifyLog(directory: directory.path)
        #expect(status == 78 && text.contains("OTHER LOG: \(segments[2])"), "\(text)")
        withExtendedLifetime(other) {}
    }

    @Test func `a directory that is none is refused`() {
        let (text, status) = verifyLog(directory: "/nowhere")
        #expect(status == 78 && text.contains("/nowhere/wal holds no log segment"), "\(text)")
        let (said, end) = dumpLog(directory: "/nowhere") { _ in }
        #expect(end == 78 && said == text)
    }

    @Test func `a daemon that holds the directory is named`() async throws {
        _ = try await log { state in
            let (text, status) = verifyLog(directory: state.path)
            #expect(status == 0)
            #expect(text.hasPrefix("a daemon holds this directory (s3remedyd test)"), "\(text)")
        }
    }
}
