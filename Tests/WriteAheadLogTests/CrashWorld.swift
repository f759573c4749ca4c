import Synchronization
import SystemIO
import TestSupport
import WriteAheadLog

/// What callers of the log and its store know: the truth that every recovery is held against. It survives crashes, as
/// the outside world does; the store of records applied is durable at once.
struct Witness: Sendable {
    /// The record numbers of each append, in the order in which they were asked for.
    private(set) var appends: [[Int]] = []
    /// The LSN answered for an append, by the number of its last record.
    var acknowledged: [Int: LSN] = [:]
    /// What the store has applied, and its mark.
    private(set) var stored: [LogRecord] = []
    var logID: LogID?
    /// How often the log was opened: each start draws other random numbers.
    private(set) var starts: UInt64 = 0
    private var lastNumber = 0

    var mark: StoreMark { StoreMark(logID: logID, appliedLSN: stored.last?.lsn ?? .none) }

    mutating func nextAppend(_ count: Int) -> [Int] {
        let numbers = Array(lastNumber + 1...lastNumber + count)
        lastNumber += count
        appends.append(numbers)
        return numbers
    }

    mutating func nextStart() -> UInt64 {
        starts += 1
        return starts
    }

    mutating func apply(_ records: [LogRecord]) {
        stored += records
    }

    /// What is wrong with a log that holds `records` behind the store's mark; empty when nothing is.
    func problems(with records: [LogRecord]) -> [String] {
        let all = stored + records
        var problems: [String] = []
        var lsnOf: [Int: LSN] = [:]
        for (index, record) in all.enumerated() {
            if record.lsn.value != UInt64(index + 1) {
                problems.append("LSN \(record.lsn) stands where \(index + 1) belongs")
            }
            guard let number = CrashWorld.number(record.payload) else {
                problems.append("LSN \(record.lsn) holds bytes that nobody appended")
                continue
            }
            if lsnOf.updateValue(record.lsn, forKey: number) != nil {
                problems.append("record \(number) stands twice")
            }
        }
        for append in appends {
            let found = append.map { lsnOf[$0] }
            let there = found.prefix { $0 != nil }.compactMap(\.self)
            if there.count != found.count(where: { $0 != nil }) || there != there.sorted() {
                problems.append("append of \(append) is not a beginning in order: \(found)")
            }
            guard let last = append.last, let lsn = acknowledged[last] else { continue }
            if there.count < append.count {
                problems.append("append of \(append) was acknowledged and is lost: \(found)")
            } else if there.last != lsn {
                problems.append("record \(last) was acknowledged as LSN \(lsn): \(found)")
            }
        }
        if Set(lsnOf.keys).subtracting(appends.joined()).isEmpty == false {
            problems.append("records that nobody appended: \(lsnOf.keys.sorted())")
        }
        return problems
    }
}

/// Everything on one queue, so that a run with the same disk makes the same calls in the same order.
struct CrashWorld: Sendable {
    enum Step: Sendable {
        /// One append of so many records, awaited.
        case append(Int)
        /// Appends of so many records each at the same time.
        case together([Int])
        /// Time passes until the promise is due.
        case idle
        /// The store applies all there is, and segments go.
        case apply
        /// A clean end and another start.
        case reopen
        case close
    }

    static let options: LogOptions = {
        var options = LogOptions()
        options.segmentBytes = 4096
        options.fillStepBytes = 2048
        options.minimumFreeBytes = 0
        return options
    }()

    static func payload(_ number: Int) -> [UInt8] {
        let filler = [UInt8](repeating: UInt8(number & 0xFF) | 1, count: number * 131 % 700)
        return Array("record \(number) ".utf8) + filler
    }

    static func number(_ bytes: [UInt8]) -> Int? {
        let words = bytes.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard words.count > 1, let number = Int(String(decoding: words[1], as: UTF8.self)),
            payload(number) == bytes
        else { return nil }
        return number
    }

    let disk: SimulatedDisk
    var witness = Witness()
    /// Sleeps end at once instead of when a step says so: for runs in which the log may have to wait for room.
    var isTimeEager = false

    /// Runs the steps until the first failure, in a process of its own.
    func play(_ steps: [Step]) async -> (witness: Witness, failure: LogFailure?) {
        let queue = QueueExecutor.blocking("simulated process")
        return await Task(executorPreference: queue.tasks) {
            var process = SimulatedProcess(
                disk: disk, queue: queue, witness: witness, isTimeEager: isTimeEager)
            let failure = await process.run(steps)
            return (process.witness, failure)
        }.value
    }

    /// Starts on the disk as it is, compares, appends, cuts the power, and compares once more.
    func problems(seed: UInt64) async -> [String] {
        let queue = QueueExecutor.blocking("simulated process")
        return await Task(executorPreference: queue.tasks) {
            var problems: [String] = []
            var process = SimulatedProcess(disk: disk, queue: queue, witness: witness)
            problems += await process.compare()
            let again = SimulatedProcess(
                disk: disk.crashed(seed: seed), queue: queue, witness: process.witness)
            process = again
            problems += await process.compare().map { "after another power cut: " + $0 }
            return problems
        }.value
    }
}

/// One process on the simulated disk, from the lock to its end.
private struct SimulatedProcess {
    let disk: SimulatedDisk
    let queue: QueueExecutor
    var witness: Witness
    var isTimeEager = false
    private let clock = ManualClock()

    init(disk: SimulatedDisk, queue: QueueExecutor, witness: Witness, isTimeEager: Bool = false) {
        self.disk = disk
        self.queue = queue
        self.witness = witness
        self.isTimeEager = isTimeEager
    }

    mutating func run(_ steps: [CrashWorld.Step]) async -> LogFailure? {
        do {
            let state = try StateDirectory.lock("/state", fileSystem: disk, holder: "simulated")
            for part in steps.split(whereSeparator: { if case .reopen = $0 { true } else { false } }
            ) {
                let log = try open(state)
                do { for step in part { try await take(step, log) } } catch {
                    await log.close()
                    throw error
                }
                await log.close()
            }
            return nil
        } catch { return error as? LogFailure }
    }

    private mutating func open(_ state: StateDirectory) throws -> SegmentedLog {
        let (log, _) = try SegmentedLog.open(
            directory: state, clock: isTimeEager ? EagerClock() : clock,
            random: SeededRandom(seed: witness.nextStart()), executor: queue, helper: queue,
            options: CrashWorld.options, store: witness.mark)
        witness.logID = log.logID
        return log
    }

    private mutating func take(_ step: CrashWorld.Step, _ log: SegmentedLog) async throws {
        switch step {
        case .append(let count): try await append([count], log)
        case .together(let counts): try await append(counts, log)
        case .idle:
            await letOthersRun()
            clock.advance(by: CrashWorld.options.idleBeforePromise)
            await letOthersRun()
        case .apply:
            witness.apply(try all(of: log, after: witness.mark.appliedLSN))
            try await log.removeSegments(appliedThrough: witness.mark.appliedLSN)
        case .reopen, .close: break
        }
    }

    private mutating func append(_ counts: [Int], _ log: SegmentedLog) async throws {
        let appends = counts.map { witness.nextAppend($0) }
        let outcomes = await withTaskGroup(
            of: (Int, Result<LSN, LogFailure>).self,
            returning: [(Int, Result<LSN, LogFailure>)].self
        ) { group in
            for numbers in appends {
                group.addTask {
                    let last = numbers.last ?? 0
                    do throws(LogFailure) {
                        return (
                            last, .success(try await log.append(numbers.map(CrashWorld.payload)))
                        )
                    } catch { return (last, .failure(error)) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for case (let last, .success(let lsn)) in outcomes { witness.acknowledged[last] = lsn }
        for (_, outcome) in outcomes { _ = try outcome.get() }
    }

    /// The queue is first come, first served: after this the timer and the committer have had their turns.
    private func letOthersRun() async {
        for _ in 0..<8 { await Task.yield() }
    }

    /// Opens, holds the records against the witness, and appends; ends without closing cleanly for the disk's `crashed`.
    mutating func compare() async -> [String] {
        do {
            let state = try StateDirectory.lock("/state", fileSystem: disk, holder: "simulated")
            let log = try open(state)
            var problems = witness.problems(
                with: try all(of: log, after: witness.mark.appliedLSN))
            let next = log.status.syncedLSN.next
            try await append([1], log)
            if witness.acknowledged.values.max() != next {
                problems.append("the next record did not get LSN \(next)")
            }
            await log.close()
            return problems
        } catch { return ["\(error)"] }
    }
}

/// Time passes by sleeping alone.
private final class EagerClock: ClockReading {
    private let now = Mutex<UInt64>(0)

    func wallMilliseconds() -> Int64 { Int64(monotonicNanoseconds() / 1_000_000) }

    func monotonicNanoseconds() -> UInt64 { now.withLock { $0 } }

    nonisolated(nonsending) func sleep(for duration: Duration) async throws {
        await Task.yield()
        try Task.checkCancellation()
        now.withLock { $0 += UInt64(duration / .nanoseconds(1)) }
    }
}
