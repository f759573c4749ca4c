import Domain
import FailureStore
import LogRecords
import Logging
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

@testable import Intake

/// Messages in quarantine, decoded again over a real log and a real store.
struct QuarantineDeskTests {
    let parts = FlusherTests()

    static let decodable = """
        {"Records":[{"eventVersion":"2.2","eventSource":"aws:s3","awsRegion":"eu-west-1",\
        "eventTime":"2023-11-14T22:13:20.000Z",\
        "eventName":"Replication:OperationFailedReplication",\
        "responseElements":{"x-amz-request-id":"R1"},\
        "s3":{"bucket":{"name":"orders"},"object":{"key":"a+b","versionId":"v1","size":7}},\
        "replicationEventData":{"replicationRuleId":"r1","destinationBucket":"arn:aws:s3:::backup",\
        "s3Operation":"OBJECT_PUT","failureReason":"DstBucketNotFound"}}]}
        """

    func desk(
        holding message: QuarantinedMessage
    ) async throws -> (QuarantineDesk, SegmentedLog, SQLiteFailureStore) {
        let log = try openLog(in: parts.directory.path)
        let store = try parts.openStore()
        let at = message.receivedAt
        _ = try await store.apply(
            StoreBatch(records: [(1, .quarantined(message))], at: at))
        return (QuarantineDesk(store: store, log: log), log, store)
    }

    func message(
        _ body: [UInt8], queue: String = "https://sqs/q", at milliseconds: Int64 = 1_700_000_000_000
    ) -> QuarantinedMessage {
        QuarantinedMessage(
            queueURL: queue, messageID: "m1", receivedAt: Timestamp(milliseconds: milliseconds),
            problem: "an older version did not know it", offset: 3, body: body)
    }

    func logged(_ log: SegmentedLog) throws -> [LogPayload] {
        var reader = log.reader(after: LSN(0))
        return try reader.next(maximumRecords: 100, maximumBytes: 1 << 20).map {
            try LogPayload(decoding: $0.payload)
        }
    }

    @Test func `what decodes now goes to the log, synced, and leaves the quarantine`() async throws
    {
        let (desk, log, store) = try await desk(holding: message(Array(Self.decodable.utf8)))
        #expect(try await desk.replay(1) == 1)
        #expect(log.status.syncedLSN.value == 1)
        let payloads = try logged(log)
        guard case .event(let event)? = payloads.first, payloads.count == 1 else {
            Issue.record("\(payloads)")
            return
        }
        #expect(event.key.text == "a b" && event.ruleID == "r1")
        #expect(event.eventTime == Timestamp(milliseconds: 1_700_000_000_000))
        #expect(try await store.overview().quarantined == 0)
        await #expect {
            try await desk.replay(1)
        } throws: { if case .notFound? = $0 as? ReplayRefusal { true } else { false } }
        await log.close()
    }

    @Test func `an event time far ahead of its receipt is replaced, as from the queue`()
        async throws
    {
        let (desk, log, _) = try await desk(
            holding: message(Array(Self.decodable.utf8), at: 1_600_000_000_000))
        #expect(try await desk.replay(1) == 1)
        guard case .event(let event)? = try logged(log).first else { return }
        #expect(event.eventTime == Timestamp(milliseconds: 1_600_000_000_000))
        await log.close()
    }

    @Test(arguments: [
        "not JSON", #"{"Records":7}"#,
        decodable.replacing("]}", with: #",{"eventSource":"aws:s3"}]}"#),
    ])
    func `what still does not decode in full says so, stays, and logs nothing`(
        body: String
    ) async throws {
        let (desk, log, store) = try await desk(holding: message(Array(body.utf8)))
        await #expect {
            try await desk.replay(1)
        } throws: { error in
            guard case .undecodable(let sentence)? = error as? ReplayRefusal else { return false }
            return sentence.contains("byte")
        }
        #expect(log.status.appendedLSN.value == 0)
        #expect(try await store.quarantined(after: 0, limit: 1).entries.count == 1)
        await log.close()
    }

    @Test func `a record of the log goes back whole once it decodes`() async throws {
        let payload = LogPayload.event(failureEvent(key: "poison")).encode()
        let at = Timestamp(milliseconds: 1)
        for (body, isGood) in [(payload, true), ([250, 1, 2], false)] {
            let test = QuarantineDeskTests()
            let (desk, log, store) = try await test.desk(
                holding: QuarantinedMessage(logRecord: body, lsn: 7, at: at, problem: "p"))
            if isGood {
                #expect(try await desk.replay(1) == 1)
                #expect(try test.logged(log) == [try LogPayload(decoding: payload)])
            } else {
                await #expect(throws: ReplayRefusal.self) { try await desk.replay(1) }
            }
            #expect(try await store.overview().quarantined == (isGood ? 0 : 1))
            await log.close()
        }
    }

    @Test func `drop lets go of one, with its bytes, and tells when there is none`() async throws {
        let (desk, log, store) = try await desk(holding: message([1, 2, 3]))
        #expect(try await desk.drop(1))
        #expect(try await !desk.drop(1))
        #expect(try await store.overview().quarantined == 0)
        await log.close()
    }

    @Test func `with the log closed, the message stays`() async throws {
        let (desk, log, store) = try await desk(holding: message(Array(Self.decodable.utf8)))
        await log.close()
        await #expect(throws: ReplayRefusal.self) { try await desk.replay(1) }
        #expect(try await store.overview().quarantined == 1)
    }
}
