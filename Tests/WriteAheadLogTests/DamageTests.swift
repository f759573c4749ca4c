import SystemIO
import TestSupport
import Testing
import WriteAheadLog

/// A medium that lies: every byte and every sector of a log of several small segments, one at a time.
struct DamageTests {
    /// What became of a log: untouched, or whole after a cut at the end of an older segment that the report names, or
    /// shorter by a torn tail that it names, or refused with the command.
    private enum Outcome: Hashable { case same, repaired, cut, refused }

    private static let records = 12

    /// A log of three segments as a kill leaves it: 9 records promised, 3 above the promise.
    private func killed() async throws -> (files: [(name: String, bytes: [UInt8])], root: String) {
        let bench = try LogBench()
        let copy = try await bench.withLog { log, _ in
            for number in 1...9 {
                _ = try await log.append([[UInt8](repeating: UInt8(number), count: 900)])
            }
            await bench.clock.waitForSleeper()
            _ = try await log.append((10...Self.records).map { [UInt8($0), 1, 2, 3] })
            return try LogBench(copyOf: bench)
        }
        return (try copy.files(), copy.root)
    }

    /// Opens the log on a simulated disk, which is fast; says what became of it, or why that is wrong.
    private func outcome(
        _ files: [(name: String, bytes: [UInt8])], expected: [[UInt8]]
    ) async throws -> Result<Outcome, Problem> {
        let disk = SimulatedDisk()
        try disk.makeDirectory("/state")
        try disk.makeDirectory("/state/wal")
        for (name, bytes) in files {
            try disk.open("/state/wal/" + name, .create).write(bytes.span.bytes, at: 0)
        }
        let state = try StateDirectory.lock("/state", fileSystem: disk, holder: "test")
        do throws(LogFailure) {
            let queue = QueueExecutor.blocking("log")
            let (log, report) = try SegmentedLog.open(
                directory: state, clock: ManualClock(), random: SeededRandom(seed: 1),
                executor: queue, helper: queue, options: LogBench.smallSegments,
                store: StoreMark(logID: nil, appliedLSN: .none))
            let found = Result { try all(of: log).map(\.payload) }
            await log.close()
            let payloads = try? found.get()
            guard let payloads, expected.starts(with: payloads) else {
                return .failure(Problem(text: "other records were read"))
            }
            if report.tornTail != nil { return .success(.cut) }
            guard payloads == expected else {
                return .failure(Problem(text: "\(payloads.count) records and no report"))
            }
            return .success(report.cutOverlaps.isEmpty ? .same : .repaired)
        } catch {
            guard error.exitStatus == 78, error.description.contains("run") else {
                return .failure(Problem(text: "\(error)"))
            }
            return .success(.refused)
        }
    }

    private struct Problem: Error { let text: String }

    private func expected(_ files: [(name: String, bytes: [UInt8])]) -> [[UInt8]] {
        (1...9).map { [UInt8](repeating: UInt8($0), count: 900) }
            + (10...Self.records).map { [UInt8($0), 1, 2, 3] }
    }

    /// Damages one place after the other; `change` answers false where it would change nothing.
    private func run(
        _ what: String, step: Int, _ change: (inout [UInt8], Int) -> Bool
    ) async throws {
        let (files, _) = try await killed()
        #expect(files.count >= 3)
        let expected = expected(files)
        #expect(try await outcome(files, expected: expected).get() == .same)
        var counts: [Outcome: Int] = [:]
        var problems: [String] = []
        for (index, file) in files.enumerated() {
            for offset in stride(from: 0, to: file.bytes.count, by: step) {
                var damaged = files
                guard change(&damaged[index].bytes, offset) else { continue }
                switch try await outcome(damaged, expected: expected) {
                case .failure(let problem):
                    problems.append("\(file.name) offset \(offset): \(problem.text)")
                case .success(.same):
                    problems.append("\(file.name) offset \(offset): nobody noticed")
                case .success(let outcome): counts[outcome, default: 0] += 1
                }
            }
        }
        print(
            "\(what): \(counts.values.reduce(0, +)) places, refused \(counts[.refused] ?? 0), "
                + "cut with a report \(counts[.cut] ?? 0), whole and reported \(counts[.repaired] ?? 0)"
        )
        if step == 1 {
            #expect(counts.values.reduce(0, +) == files.reduce(0) { $0 + $1.bytes.count })
        }
        #expect(problems.prefix(9) == [])
        #expect(counts[.refused, default: 0] > 0 && counts[.cut, default: 0] > 0)
    }

    @Test func `a flipped bit at every byte is never silent`() async throws {
        try await run("one bit flipped at every byte", step: 1) { bytes, offset in
            bytes[offset] ^= 1 << UInt8(offset % 8)
            return true
        }
    }

    @Test func `a zeroed sector is never silent`() async throws {
        try await run("one sector zeroed", step: 512) { bytes, offset in
            let range = offset..<min(bytes.count, offset + 512)
            guard bytes[range].contains(where: { $0 != 0 }) else { return false }
            bytes.replaceSubrange(range, with: [UInt8](repeating: 0, count: range.count))
            return true
        }
    }
}
