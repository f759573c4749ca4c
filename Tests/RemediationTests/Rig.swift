import AWSClient
import AWSProtocol
import Domain
import FailureStore
import Logging
import Remediation
import SystemIO
import TestSupport
import Testing

/// The real worker and desk over a real SQLite store, with a scripted cloud behind the HTTP port and a clock that the
/// test moves: a round at a time, and between two rounds as much time as the worker asked for.
final class Rig {
    static let rule = RuleName(sourceBucket: "orders", ruleID: "r1")
    /// When the failures failed: an hour before the clock's start.
    static let failedAt: Int64 = 1_800_000_000_000 - 3_600_000

    let directory = TemporaryDirectory()
    let clock = ManualClock()
    let cloud: ScriptedCloud
    let store: SQLiteFailureStore
    var settings: RemediationSettings
    private(set) var worker: RemediationWorker
    private(set) var desk: RemediationDesk
    private var lsn: UInt64 = 0

    init(_ change: (inout RemediationSettings) -> Void = { _ in }) throws {
        clock.advance(by: .milliseconds(1_800_000_000_000))
        cloud = ScriptedCloud(clock: clock)
        store = try SQLiteFailureStore.open(
            path: directory.path + "/failures.db", writer: .blocking("writer"),
            reader: .blocking("reader"))
        settings = RemediationSettings(
            roleARN: "arn:aws:iam::111122223333:role/batch", manifestBucket: "manifests-bucket",
            manifestPrefix: "manifests", reportBucket: "reports-bucket", reportPrefix: "reports",
            maximumActiveJobs: 4, pollInterval: .seconds(30), maximumObjects: 1000)
        change(&settings)
        (worker, desk) = try Self.make(settings, store, cloud, clock)
    }

    private static func make(
        _ settings: RemediationSettings, _ store: SQLiteFailureStore, _ cloud: ScriptedCloud,
        _ clock: ManualClock
    ) throws -> (RemediationWorker, RemediationDesk) {
        let services: [AWSService] = [.s3, .s3control, .sts]
        let endpoints = try AWSEndpoints(
            configured: Dictionary(uniqueKeysWithValues: services.map { ($0, "http://aws") }))
        let makeCaller: @Sendable (String) -> AWSCaller = { region in
            AWSCaller(
                region: region, endpoints: endpoints, exchange: cloud,
                credentials: FixedCredentials(),
                clock: RushingClock(base: clock), random: SystemRandomNumberGenerator())
        }
        let lanes = VersionLanes(
            (0..<2).map { (executor: .blocking("lane-\($0)"), makeCaller: makeCaller) })
        let random = SeededRandom(seed: 7)
        let worker = RemediationWorker(
            store: store, settings: settings, clock: clock, random: random,
            executor: .blocking("worker"),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            lanes: lanes, makeCaller: makeCaller)
        let desk = RemediationDesk(
            store: store, lanes: lanes, clock: clock, random: random, worker: worker)
        return (worker, desk)
    }

    /// As after a crash: another worker on the same store.
    func restart() throws {
        (worker, desk) = try Self.make(settings, store, cloud, clock)
    }

    var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    /// Failures of the rule, each with a version v1 whose status is FAILED.
    func fail(
        _ keys: [String], reason: String = "DstPutObjectNotPermitted",
        destination: String = "backup",
        rule: String = "r1", at: Int64 = Rig.failedAt,
        status: ScriptedCloud.Version = .status("FAILED"),
        name: ReplicationEvent.Name = .operationFailed
    ) async throws {
        for key in keys { cloud.set(key, status) }
        try await tell(
            keys, reason: reason, destination: destination, rule: rule, at: at, name: name)
    }

    /// Events alone.
    func tell(
        _ keys: [String], reason: String = "DstPutObjectNotPermitted",
        destination: String = "backup",
        rule: String = "r1", at: Int64, name: ReplicationEvent.Name = .operationFailed
    ) async throws {
        let events = keys.map { key in
            failureEvent(
                rule: rule, destination: destination, key: key, at: at, request: "R\(at)",
                reason: name == .operationFailed ? reason : nil, name: name)
        }
        let records = events.map { event -> (lsn: UInt64, record: StoreRecord) in
            lsn += 1
            return (lsn, .event(event))
        }
        _ = try await store.apply(StoreBatch(records: records, at: now))
    }

    func order(_ change: (inout RemediationOrder) -> Void = { _ in }) -> RemediationOrder {
        var order = RemediationOrder(
            rule: Rig.rule, selection: FailureSelection(), priority: 10, plannedAt: nil,
            expectedObjects: nil, by: "uid 0")
        change(&order)
        return order
    }

    @discardableResult
    func start(
        _ change: (inout RemediationOrder) -> Void = { _ in }
    ) async throws -> RemediationRun {
        try await desk.start(order(change))
    }

    func run(_ id: String) async throws -> RemediationRun {
        try #require(try await store.remediation(id)).run
    }

    func tally(_ id: String) async throws -> RemediationTally {
        try #require(try await store.remediation(id)).tally
    }

    /// A round, and then the time that the worker wants to sleep, at most a minute; or more, as when it was away.
    func round(atLeast shortest: Duration = .zero) async throws {
        let pause = try await worker.round()
        clock.advance(by: max(shortest, min(pause, .seconds(60))))
    }

    /// Rounds until the run is as wanted. An error when it is not after 1,000 of them.
    func until(
        _ id: String, atLeast shortest: Duration = .zero, _ isWanted: (RemediationRun) -> Bool
    ) async throws -> RemediationRun {
        for _ in 0..<1000 {
            let run = try await run(id)
            if isWanted(run) { return run }
            try await round(atLeast: shortest)
        }
        let run = try await run(id)
        throw NeverCame(state: run.state.rawValue, problem: run.problem ?? "no problem")
    }

    func untilJob(_ id: String, _ index: Int = 0) async throws {
        _ = try await until(id) { run in
            run.state == .jobFollowed && run.jobs.count == index + 1
                && run.jobs[index].status != nil
        }
    }

    func untilOver(
        _ id: String, atLeast shortest: Duration = .zero
    ) async throws -> RemediationRun {
        try await until(id, atLeast: shortest) { $0.state.isTerminal }
    }

    struct NeverCame: Error {
        var state: String
        var problem: String
    }

    /// Every failure by rule, destination and key where there are several, else by key.
    func failures() async throws -> [String: Failure] {
        let page = try await store.page(
            FailureQuery(selection: FailureSelection(), limit: 1000))
        let hasSeveral = Set(page.failures.map(\.identity.rule.ruleID)).count > 1
        return Dictionary(
            uniqueKeysWithValues: page.failures.map { found in
                let key = found.identity.key.text
                return (hasSeveral ? found.identity.rule.ruleID + " " + key : key, found.failure)
            })
    }

    func states() async throws -> [String: FailureState] {
        try await failures().mapValues(\.state)
    }
}

/// The manual clock, for waits inside of one call: they pass at once.
private struct RushingClock: ClockReading {
    let base: ManualClock

    func wallMilliseconds() -> Int64 { base.wallMilliseconds() }
    func monotonicNanoseconds() -> UInt64 { base.monotonicNanoseconds() }

    nonisolated(nonsending) func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        base.advance(by: duration)
    }
}

private struct FixedCredentials: CredentialsProviding {
    nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
        AWSCredentials(accessKeyID: "A", secretAccessKey: "hush")
    }

    nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async {}
}
