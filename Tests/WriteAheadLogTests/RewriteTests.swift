import Glibc
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import WriteAheadLog

/// Logs that a start refuses, and what `wal adopt` and `wal salvage` make of them: every record that can be read and
/// that the store has not, once, and no LSN given twice.
struct RewriteTests {
    /// A state directory on a simulated disk, and the mark of its store.
    final class Pair: Sendable {
        let disk: SimulatedDisk
        private let stored: Mutex<StoreMark>
        var mark: StoreMark { stored.withLock { $0 } }

        init(_ disk: SimulatedDisk, _ mark: StoreMark) {
            self.disk = disk
            stored = Mutex(mark)
        }

        func set(_ mark: StoreMark) { stored.withLock { $0 = mark } }

        func lock() throws(LogFailure) -> StateDirectory {
            try StateDirectory.lock("/state", fileSystem: disk, holder: "test")
        }

        func adopt() async throws -> LogAdoption.Outcome {
            try await LogAdoption(
                try lock(), random: SeededRandom(seed: 7),
                segmentBytes: LogBench.smallSegments.segmentBytes
            ).run(store: mark) { set($0) }
        }

        /// Starts as the daemon does; the records behind the store's mark, and the LSN of one more.
        func start() async throws -> (records: [LogRecord], next: LSN) {
            let queue = QueueExecutor.blocking("log")
            let (log, _) = try SegmentedLog.open(
                directory: try lock(), clock: ManualClock(), random: SeededRandom(seed: 3),
                executor: queue, helper: queue, options: LogBench.smallSegments, store: mark)
            let found = Result { try all(of: log, after: mark.appliedLSN) }
            let next = try? await log.append([[1]])
            await log.close()
            return (try found.get(), try #require(next))
        }

        func refusal() async -> LogFailure? {
            do { _ = try await Pair(disk.copy(), mark).start() } catch {
                return error as? LogFailure
            }
            return nil
        }

        func names() throws -> [String] {
            try disk.names(in: "/state/wal").filter { $0.hasSuffix(".wal") }.sorted()
        }

        func bytes(_ name: String) throws -> [UInt8] {
            let file = try disk.open("/state/wal/" + name, .read)
            var bytes = [UInt8](repeating: 0, count: try file.size())
            _ = try bytes.fill(from: file, at: 0)
            return bytes
        }

        func put(_ name: String, _ bytes: [UInt8]) throws {
            let file = try disk.open("/state/wal/" + name, .modifyOrCreate)
            try file.truncate(to: 0)
            try file.write(bytes.span.bytes, at: 0)
            try file.sync()
            try disk.syncDirectory("/state/wal")
        }
    }

    static let records = 12

    static func payload(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(number), count: 1100)
    }

    /// A closed log of 4 segments with 3 records each.
    func pair(seed: UInt64 = 1, applied: UInt64 = 0) async throws -> Pair {
        let disk = SimulatedDisk()
        let state = try StateDirectory.lock("/state", fileSystem: disk, holder: "test")
        let queue = QueueExecutor.blocking("log")
        let (log, _) = try SegmentedLog.open(
            directory: state, clock: ManualClock(), random: SeededRandom(seed: seed),
            executor: queue, helper: queue, options: LogBench.smallSegments,
            store: StoreMark(logID: nil, appliedLSN: .none))
        for number in 1...Self.records { _ = try await log.append([Self.payload(number)]) }
        await log.close()
        return Pair(disk, StoreMark(logID: log.logID, appliedLSN: LSN(applied)))
    }

    struct Scenario: Sendable, CustomTestStringConvertible {
        let name: String
        var applied: UInt64 = 0
        /// A part of the start's refusal; nil when it starts.
        let refused: String?
        /// Whether `adopt` is the command, and not `salvage`.
        var isAdoptable = true
        /// What has to be there afterwards.
        let left: [Int]
        let change: @Sendable (Pair, Pair) throws -> Void

        var testDescription: String { name }
    }

    static let scenarios: [Scenario] = [
        Scenario(name: "lost first segment", refused: "starts at LSN 4", left: Array(4...12)) {
            pair, _ in
            try pair.disk.remove("/state/wal/" + pair.names()[0])
        },
        Scenario(
            name: "lost middle segment", applied: 2, refused: "after LSN 3 and before LSN 7",
            left: [3] + Array(7...12)
        ) { pair, _ in
            try pair.disk.remove("/state/wal/" + pair.names()[1])
        },
        Scenario(
            name: "lost newest segment that the store knows of", applied: 11,
            refused: "the records after LSN 9 is missing", left: []
        ) { pair, _ in
            try pair.disk.remove("/state/wal/" + pair.names()[3])
        },
        Scenario(
            name: "lost newest segment that the store does not know of", applied: 1,
            refused: "the records after LSN 9 is missing", left: Array(2...9)
        ) { pair, _ in
            try pair.disk.remove("/state/wal/" + pair.names()[3])
        },
        Scenario(
            name: "swapped segments", refused: "header has first LSN", isAdoptable: false,
            left: Array(1...12)
        ) { pair, _ in
            let names = try pair.names()
            let (second, third) = (try pair.bytes(names[1]), try pair.bytes(names[2]))
            try pair.put(names[1], third)
            try pair.put(names[2], second)
        },
        Scenario(
            name: "segment of another log", refused: "belongs to log",
            left: Array(1...6) + Array(10...12) + [7, 8, 9]
        ) { pair, other in
            let name = try pair.names()[2]
            try pair.put(name, other.bytes(name))
        },
        Scenario(
            name: "store from a backup", applied: 1, refused: "starts at LSN 7", left: Array(7...12)
        ) { pair, _ in
            for name in try pair.names().prefix(2) { try pair.disk.remove("/state/wal/" + name) }
        },
        Scenario(name: "log from a backup", applied: 40, refused: "ends at LSN 12", left: []) {
            _, _ in
        },
        Scenario(name: "deleted wal", applied: 5, refused: "there is no log", left: []) { pair, _ in
            for name in try pair.disk.names(in: "/state/wal") {
                try pair.disk.remove("/state/wal/" + name)
            }
        },
        Scenario(name: "new store", refused: "starts at LSN 10", left: [10, 11, 12]) { pair, _ in
            for name in try pair.names().prefix(3) { try pair.disk.remove("/state/wal/" + name) }
            pair.set(StoreMark(logID: nil, appliedLSN: .none))
        },
        Scenario(
            name: "store of another log", applied: 3, refused: "the store was fed by log",
            left: Array(1...12)
        ) { pair, other in
            pair.set(StoreMark(logID: other.mark.logID, appliedLSN: LSN(3)))
        },
        Scenario(
            name: "store without its log's ID", refused: "remembers no log ID", left: Array(1...12)
        ) { pair, _ in
            pair.set(StoreMark(logID: nil, appliedLSN: LSN(3)))
        },
        Scenario(
            name: "damaged frame", refused: "LSN 5: the frame's checksum", isAdoptable: false,
            left: [1, 2, 3, 4] + Array(6...12)
        ) { pair, _ in
            let name = try pair.names()[1]
            var bytes = try pair.bytes(name)
            bytes[framePlaces(bytes)[1].offset + 100] ^= 1
            try pair.put(name, bytes)
        },
        Scenario(
            name: "damaged header and a gap", refused: "does not begin as a segment",
            isAdoptable: false, left: Array(7...9)
        ) { pair, _ in
            let names = try pair.names()
            try pair.put(names[1], [0] + pair.bytes(names[1]).dropFirst())
            try pair.put(names[3], [0] + pair.bytes(names[3]).dropFirst())
            try pair.disk.remove("/state/wal/" + names[0])
        },
        Scenario(
            name: "a gap before damage", refused: "after LSN 3 and before LSN 7",
            isAdoptable: false, left: Array(1...3) + [8, 9] + Array(10...12)
        ) { pair, _ in
            let names = try pair.names()
            try pair.disk.remove("/state/wal/" + names[1])
            var bytes = try pair.bytes(names[2])
            bytes[framePlaces(bytes)[0].offset + 100] ^= 1
            try pair.put(names[2], bytes)
        },
    ]

    func prepared(_ scenario: Scenario) async throws -> Pair {
        let pair = try await pair(applied: scenario.applied)
        try scenario.change(pair, try await self.pair(seed: 99))
        try pair.disk.syncDirectory("/state/wal")
        try pair.disk.syncDirectory("/state")
        return pair
    }

    /// Every LSN in any segment that the old log had, readable or not, is behind `lsn`.
    private func expectWhole(
        _ pair: Pair, _ scenario: Scenario, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let oldest = max(scenario.applied, UInt64(scenario.left.max() ?? 0))
        let (records, next) = try await pair.start()
        #expect(
            records.map(\.payload) == scenario.left.map(Self.payload), sourceLocation: location)
        #expect(next == LSN(pair.mark.appliedLSN.value + UInt64(records.count) + 1))
        #expect(pair.mark.appliedLSN.value >= oldest, sourceLocation: location)
    }

    @Test(arguments: scenarios)
    func `a start refuses it by name, and the command mends it`(_ scenario: Scenario) async throws {
        let pair = try await prepared(scenario)
        let refusal = try #require(await pair.refusal())
        #expect(
            refusal.exitStatus == 78 && refusal.description.contains(scenario.refused ?? ""),
            "\(refusal)")
        let command = scenario.isAdoptable || scenario.name.hasPrefix("a gap") ? "adopt" : "salvage"
        #expect(refusal.description.hasSuffix("run: s3remedyd wal \(command) /state"))
        let before = try pair.names()
        switch try await pair.adopt() {
        case .adopted(_, let rewrite, let replaced):
            #expect(scenario.isAdoptable && replaced == "/state/wal.replaced-1")
            #expect(rewrite.carried == scenario.left.count)
            try await expectWhole(pair, scenario)
            guard case .nothingToAccept = try await pair.adopt() else {
                Issue.record("adopted twice")
                return
            }
            #expect(
                try pair.disk.names(in: "/state/wal.replaced-1").filter { $0.hasSuffix(".wal") }
                    .sorted() == before)
        case .refused(let failure):
            #expect(!scenario.isAdoptable && failure.description.hasSuffix("wal salvage /state"))
            #expect(try pair.names() == before)
        default: Issue.record("nothing to accept")
        }
    }

    @Test(arguments: scenarios)
    func `salvage writes every readable record that the store has not`(
        _ scenario: Scenario
    ) async throws {
        let pair = try await prepared(scenario)
        let before = pair.disk.copy()
        try pair.disk.makeDirectory("/new")
        let rewrite = try LogRewrite(
            of: ReadableLog(in: "/state/wal", pair.disk), into: "/new/wal", store: pair.mark,
            random: SeededRandom(seed: 5), segmentBytes: 4096)
        #expect(rewrite.carried == scenario.left.count)
        if !scenario.isAdoptable && scenario.name != "swapped segments" {
            #expect(rewrite.missing.contains { $0.kind == .damage })
        }
        for name in try before.names(in: "/state/wal") {
            let same = Pair(before, pair.mark)
            #expect(try same.bytes(name) == pair.bytes(name))
        }
        // The new directory's log in the place of the old one.
        for name in try pair.names() { try pair.disk.remove("/state/wal/" + name) }
        for name in try pair.disk.names(in: "/new/wal") {
            let file = try pair.disk.open("/new/wal/" + name, .read)
            var bytes = [UInt8](repeating: 0, count: try file.size())
            _ = try bytes.fill(from: file, at: 0)
            try pair.put(name, bytes)
        }
        pair.set(rewrite.mark)
        try await expectWhole(pair, scenario)
    }

    @Test func `a crash after every call of an adoption leaves what another one finishes`()
        async throws
    {
        try await onOwnThread {
            var (held, tried) = (0, 0)
            for scenario in Self.scenarios where scenario.isAdoptable {
                let first = try await prepared(scenario)
                let whole = Pair(first.disk.copy(), first.mark)
                _ = try await whole.adopt()
                for call in 0...whole.disk.calls.count {
                    let crashing = Pair(first.disk.copy(), first.mark)
                    crashing.disk.stop(afterCall: call)
                    _ = try? await crashing.adopt()
                    let after = Pair(crashing.disk.crashed(seed: UInt64(call)), crashing.mark)
                    tried += 1
                    do {
                        _ = try await after.adopt()
                        let (records, _) = try await after.start()
                        #expect(
                            records.map(\.payload) == scenario.left.map(Self.payload),
                            "\(scenario.name), call \(call)")
                        if records.count == scenario.left.count { held += 1 }
                    } catch { Issue.record("\(scenario.name), call \(call): \(error)") }
                }
            }
            print("crash points in adopt \(held)/\(tried)")
        }
    }

    @Test func `a crash or failure in salvage leaves the old log as it was`() async throws {
        try await onOwnThread {
            var (held, tried) = (0, 0)
            for scenario in Self.scenarios {
                let first = try await prepared(scenario)
                try first.disk.makeDirectory("/new")
                func salvage(_ pair: Pair) -> Bool {
                    (try? LogRewrite(
                        of: ReadableLog(in: "/state/wal", pair.disk), into: "/new/wal",
                        store: pair.mark, random: SeededRandom(seed: 5), segmentBytes: 4096)) != nil
                }
                let whole = Pair(first.disk.copy(), first.mark)
                #expect(salvage(whole))
                for call in 1...whole.disk.calls.count {
                    for fault in [nil, SimulatedDisk.Fault.short(ENOSPC), .refused(EIO)] {
                        let failing = Pair(first.disk.copy(), first.mark)
                        if let fault {
                            failing.disk.fail(call: call, fault)
                        } else {
                            failing.disk.stop(afterCall: call - 1)
                        }
                        #expect(!salvage(failing), "\(scenario.name), call \(call)")
                        let after = Pair(failing.disk.crashed(seed: UInt64(call)), first.mark)
                        tried += 1
                        let same = try after.names().allSatisfy {
                            try after.bytes($0) == first.bytes($0)
                        }
                        if same, try after.names() == first.names() { held += 1 }
                        // Another try makes it.
                        try? after.disk.makeDirectory("/new")
                        #expect(salvage(after))
                    }
                }
            }
            print("crash points in salvage \(held)/\(tried)")
            #expect(held == tried)
        }
    }

    @Test func `frames in a payload are not salvaged as records`() async throws {
        let pair = try await pair()
        let name = try pair.names()[1]
        var bytes = try pair.bytes(name)
        let own: UInt32 = ReferenceFormat.number(bytes, 40)
        let places = framePlaces(bytes)
        let guesses: [UInt32] = [0, own &+ 1, ~own]
        // Inside the first record's payload, which is damaged besides.
        for (index, guess) in guesses.enumerated() {
            let forged = ReferenceFormat.frame(
                type: 1, lsn: 5, promise: 4, previous: 0, payload: [0x41], seed: guess
            ).bytes
            let start = places[0].offset + 40 + 80 * index
            bytes.replaceSubrange(start..<start + forged.count, with: forged)
        }
        try pair.put(name, bytes)
        var found: [[UInt8]] = []
        let log = try ReadableLog(in: "/state/wal", pair.disk) { (record, _) in
            found.append(record.payload)
        }
        #expect(found == ([1, 2, 3] + Array(5...12)).map(Self.payload))
        #expect(log.missing.map(\.first) == [LSN(4)] && log.missing.map(\.last) == [LSN(4)])
    }
}
