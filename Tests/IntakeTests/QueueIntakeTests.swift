import AWSClient
import AWSProtocol
import Domain
import HTTPTransport
import LogRecords
import Logging
import Synchronization
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

@testable import Intake

/// The whole way from a queue into a real log: only SQS is scripted, behind the HTTP port.
struct QueueIntakeTests {
    struct Keys: CredentialsProviding {
        nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
            AWSCredentials(accessKeyID: "A", secretAccessKey: "S", sessionToken: nil)
        }
        nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async {}
    }

    /// Has nothing for a task that is cancelled, as `SharedCredentials` at their end. Gives in after 1,000 questions, so
    /// that whoever asks for ever is counted instead of waited for.
    final class EndedKeys: CredentialsProviding {
        let refused = Mutex(0)

        nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
            let isRefused = refused.withLock { refused in
                guard Task.isCancelled, refused < 1000 else { return false }
                refused += 1
                return true
            }
            if isRefused { throw .http(operation: "credentials", .cancelled) }
            return try await Keys().credentials()
        }
        nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async {}
    }

    static let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/q"
    let directory = TemporaryDirectory()
    let queue = ScriptedQueue()
    let clock = ManualClock()
    let monitor = QueueMonitor(url: url)
    let pause = IntakePause(until: nil)

    func intake(
        _ log: SegmentedLog, isKnown: Bool = true, pollers: Int = 1,
        keys: any CredentialsProviding = Keys()
    ) throws -> QueueIntake {
        let (queue, clock) = (queue, clock)
        let endpoints = try AWSEndpoints()
        return QueueIntake(
            queueURL: Self.url, isKnown: isKnown,
            settings: IntakeSettings(maximumPollers: pollers), log: log, monitor: monitor,
            credits: IntakeCredits(log: log), pause: pause, clock: clock,
            random: SeededRandom(seed: 1),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {
            let connection = queue.connection()
            let caller = AWSCaller(
                region: "eu-west-1", endpoints: endpoints, exchange: connection,
                credentials: keys, clock: clock, random: SystemRandomNumberGenerator())
            return QueueConnection(
                client: SQSClient(caller, queueURL: Self.url), cancel: { connection.cancel() })
        }
    }

    /// Runs `body` beside the intake, then stops both it and the log; the payloads that the log holds.
    func run(
        _ intake: QueueIntake, _ log: SegmentedLog, _ body: () async throws -> Void
    ) async throws -> [LogPayload] {
        let task = Task { try await intake.run() }
        try await body()
        task.cancel()
        try await task.value
        var reader = log.reader(after: .none)
        let records = try reader.next(maximumRecords: 10_000, maximumBytes: 64 << 20)
        await log.close()
        return try records.map { try LogPayload(decoding: $0.payload) }
    }

    func body(_ key: Int, _ event: String = "Replication:OperationFailedReplication") -> String {
        """
        {"Records":[{"eventVersion":"2.2","eventSource":"aws:s3","awsRegion":"eu-west-1",\
        "eventTime":"2024-09-05T21:04:32.527Z","eventName":"\(event)",\
        "s3":{"bucket":{"name":"orders"},"object":{"key":"\(key)","size":1,"eTag":"e",\
        "versionId":"v","sequencer":"1"}},"replicationEventData":{"replicationRuleId":"r",\
        "destinationBucket":"arn:aws:s3:::backup","s3Operation":"OBJECT_PUT",\
        "failureReason":"AssumeRoleNotPermitted"}}]}
        """
    }

    func keys(_ payloads: [LogPayload]) -> [String] {
        payloads.compactMap { if case .event(let event) = $0 { event.key.encoded } else { nil } }
    }

    @Test
    func `each message is in the log once and deleted once, by as many pollers as are useful`()
        async throws
    {
        let (log, count) = (try openLog(in: directory.path), 500)
        queue.send((0..<count).map { body($0) })
        let logged = try await run(try intake(log, pollers: 4), log) {
            await queue.wait { $0.deleted.count == count && $0.waiting == 4 }
            #expect(monitor.snapshot.pollers == 4 && queue.mostReceivesAtOnce <= 4)
            // An empty receive means one too many; the last one stays.
            for _ in 0..<3 {
                let before = queue.waiting
                queue.endOneWait()
                await queue.wait { $0.waiting == before - 1 }
            }
            queue.endOneWait()
            await queue.wait { $0.waiting == 1 }
        }
        #expect(Set(keys(logged)).count == count && logged.count == count)
        #expect(queue.messages.isEmpty && monitor.snapshot.state == .stopped)
        #expect(monitor.snapshot.pollers == 0 && monitor.snapshot.deleted == Int64(count))
    }

    @Test func `a delete that SQS could not do is done again, its record is not written again`()
        async throws
    {
        let log = try openLog(in: directory.path)
        queue.failOnce(deletionOf: ["m1", "m3"])
        queue.send((0..<5).map { body($0) })
        let logged = try await run(try intake(log), log) {
            await queue.wait { $0.waiting == 1 }
            queue.endOneWait()
            await queue.wait { $0.deleted.count == 5 }
        }
        #expect(logged.count == 5)
    }

    @Test func `a stop with nothing to sign with leaves deletes and what is held as they are`()
        async throws
    {
        for isKnown in [true, false] {
            let folder = TemporaryDirectory()
            let (log, keys) = (try openLog(in: folder.path), EndedKeys())
            let queue = QueueIntakeTests()
            queue.queue.failOnce(deletionOf: ["m0"])
            queue.queue.send([isKnown ? body(0) : body(0, "ObjectCreated:Put")])
            _ = try await queue.run(try queue.intake(log, isKnown: isKnown, keys: keys), log) {
                await queue.queue.wait { $0.waiting == 1 }
            }
            #expect(queue.queue.deleted == [] && queue.monitor.snapshot.state == .stopped)
            let asked = keys.refused.withLock { $0 }
            #expect((1...3).contains(asked), "asked \(asked) times")
        }
    }

    @Test func `a pause ends the long poll, holds, and ends by itself`() async throws {
        let log = try openLog(in: directory.path)
        let logged = try await run(try intake(log), log) {
            await queue.wait { $0.waiting == 1 }
            pause.set(until: Timestamp(milliseconds: 1500))
            await queue.wait { $0.waiting == 0 }
            queue.send([body(1)])
            await clock.waitForSleeper()
            #expect(monitor.snapshot.state == .paused && queue.messages[0].receives == 0)
            clock.advance(by: .seconds(1))
            await clock.waitForSleeper()
            #expect(queue.messages[0].receives == 0)
            clock.advance(by: .seconds(1))
            await queue.wait { $0.deleted.count == 1 }
        }
        #expect(logged.count == 1)
    }

    @Test func `resume ends a pause at once`() async throws {
        let log = try openLog(in: directory.path)
        pause.set(until: Timestamp(milliseconds: 3_600_000))
        queue.send([body(1)])
        _ = try await run(try intake(log), log) {
            await clock.waitForSleeper()
            #expect(queue.messages[0].receives == 0)
            pause.set(until: nil)
            await queue.wait { $0.deleted.count == 1 }
        }
    }

    @Test func `twenty foreign messages end the receiving and are visible again`() async throws {
        let log = try openLog(in: directory.path)
        queue.send((0..<20).map { body($0, "ObjectCreated:Put") })
        let logged = try await run(try intake(log, isKnown: false, pollers: 8), log) {
            await queue.wait { $0.messages.allSatisfy(\.isVisible) && $0.messages[0].receives == 1 }
            await clock.waitForSleeper()
            let snapshot = monitor.snapshot
            #expect(snapshot.state == .stopped && snapshot.pollers == 1)
            #expect(snapshot.problem?.code == "queueNotOurs")
            #expect(snapshot.problem?.sentence.contains("ObjectCreated:Put") == true)
        }
        #expect(logged.isEmpty && queue.deleted.isEmpty && queue.messages.count == 20)
        #expect(queue.messages.allSatisfy { $0.receives == 1 })
    }

    @Test func `what is held stays invisible, and the first of ours settles it`() async throws {
        let log = try openLog(in: directory.path)
        queue.send([body(0, "ObjectCreated:Put"), "not JSON"])
        let recognized = Atomic(0)
        var unproven = try intake(log, isKnown: false)
        unproven.recognized = { recognized.wrappingAdd(1, ordering: .relaxed) }
        let logged = try await run(unproven, log) {
            await queue.wait { $0.waiting == 1 }
            #expect(queue.messages.allSatisfy { $0.visibility == 300 && !$0.isVisible })
            #expect(monitor.snapshot.problem?.code == "queueNotOurs" && queue.deleted.isEmpty)
            queue.send([body(7)])
            await queue.wait { $0.deleted.count == 3 }
            #expect(monitor.snapshot.problem == nil)
        }
        #expect(keys(logged) == ["7"])
        #expect(logged.contains { if case .quarantined = $0 { true } else { false } })
        #expect(recognized.load(ordering: .relaxed) == 1)
    }

    @Test func `a stop releases what is held`() async throws {
        let log = try openLog(in: directory.path)
        queue.send([body(0, "ObjectCreated:Put")])
        _ = try await run(try intake(log, isKnown: false), log) {
            await queue.wait { $0.waiting == 1 && $0.messages[0].visibility == 300 }
        }
        #expect(queue.messages[0].isVisible)
    }

    @Test func `messages that the log does not take are released`() async throws {
        let log = try openLog(in: directory.path)
        let intake = try intake(log)
        let task = Task { try await intake.run() }
        await queue.wait { $0.waiting == 1 }
        await log.close()
        queue.send([body(1), body(2)])
        await #expect(throws: LogFailure.closed) { try await task.value }
        #expect(queue.messages.allSatisfy { $0.isVisible && $0.receives == 1 })
        #expect(queue.deleted.isEmpty)
    }

    @Test func `a refusal is said and waited out`() async throws {
        let log = try openLog(in: directory.path)
        queue.refuse(
            (400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"m\"}"))
        queue.send([body(1)])
        _ = try await run(try intake(log), log) {
            await clock.waitForSleeper()
            #expect(monitor.snapshot.problem?.code == "queueMissing")
            #expect(monitor.snapshot.state == .backingOff)
            queue.refuse(nil)
            clock.advance(by: .seconds(30))
            await queue.wait { $0.deleted.count == 1 }
            #expect(monitor.snapshot.problem == nil)
        }
    }

    @Test func `receives in flight are bounded by the room that the log has left`() async throws {
        let log = try openLog(in: directory.path) { options in
            options.segmentBytes = 1 << 20
            options.maximumBytes = IntakeCredits.bytesPerReceive * 2 + (4 << 20)
        }
        let credits = IntakeCredits(log: log)
        #expect([credits.take(), credits.take(), credits.take()] == [true, true, false])
        credits.giveBack()
        #expect(credits.take())
        await log.close()
    }
}
