import AWSProtocol
import Domain
import LogRecords
import Testing

@testable import Intake

struct MessageSortingTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)

    func message(_ body: String, sentAt: Timestamp? = nil) -> ReceivedMessage {
        ReceivedMessage(
            messageID: "m", receiptHandle: "r", body: Array(body.utf8), sentAt: sentAt,
            receiveCount: 1)
    }

    func sorted(
        _ body: String, sentAt: Timestamp? = nil, isKnown: Bool = true
    ) -> SortedMessage {
        sort(message(body, sentAt: sentAt), queueURL: "q", isKnown: isKnown, receivedAt: now)
    }

    func record(
        _ name: String = "Replication:OperationFailedReplication",
        time: String = "2024-09-05T21:04:32.527Z", key: String = "k"
    ) -> String {
        """
        {"eventVersion":"2.2","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"\(time)",\
        "eventName":"\(name)","s3":{"bucket":{"name":"orders"},"object":{"key":"\(key)","size":1,\
        "eTag":"e","versionId":"v","sequencer":"1"}},"replicationEventData":{"replicationRuleId":"r",\
        "destinationBucket":"arn:aws:s3:::backup","s3Operation":"OBJECT_PUT",\
        "failureReason":"AssumeRoleNotPermitted"}}
        """
    }

    @Test func `a failure is logged and its message may go`() {
        let result = sorted("{\"Records\":[\(record())]}", isKnown: false)
        #expect(result.payloads.count == 1)
        #expect(result.mayBeDeleted && result.isOurs)
    }

    @Test func `a bad record beside a good one quarantines the message and keeps the neighbour`() {
        let bad = record(key: "%zz")
        let result = sorted("{\"Records\":[\(bad),\(record())]}")
        guard case .event(let event)? = result.payloads.first,
            case .quarantined(let kept)? = result.payloads.last
        else {
            Issue.record("\(result)")
            return
        }
        #expect(event.key == ObjectKey("k"))
        #expect(kept.body == Array("{\"Records\":[\(bad),\(record())]}".utf8))
        #expect(kept.messageID == "m" && kept.queueURL == "q" && kept.receivedAt == now)
        #expect(result.mayBeDeleted)
    }

    @Test func `other people's events stay on a queue that never showed one of ours`() {
        let body = "{\"Records\":[\(record("ObjectCreated:Put"))]}"
        let strange = sorted(body, isKnown: false)
        #expect(strange.payloads.isEmpty && !strange.mayBeDeleted)
        #expect(strange.foreignEvents == ["ObjectCreated:Put"])
        #expect(sorted(body, isKnown: true).mayBeDeleted)
    }

    @Test func `an s3:TestEvent makes the queue known`() {
        let body = """
            {"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-24T06:00:00.000Z",\
            "Bucket":"orders","RequestId":"r","HostId":"h"}
            """
        let result = sorted(body, isKnown: false)
        #expect(result.isOurs && result.mayBeDeleted)
        #expect(result.testedAt == Timestamp(rfc3339: "2026-11-24T06:00:00.000Z"))
    }

    @Test func `an event time far ahead of the message's is replaced and counted`() throws {
        let sent = try #require(Timestamp(rfc3339: "2024-09-05T21:00:00.000Z"))
        let late = sorted(
            "{\"Records\":[\(record(time: "2024-09-05T21:05:00.001Z"))]}", sentAt: sent)
        #expect(late.replacedTimes == 1)
        guard case .event(let event)? = late.payloads.first else {
            Issue.record("\(late)")
            return
        }
        #expect(event.eventTime == sent)
        let fine = sorted(
            "{\"Records\":[\(record(time: "2024-09-05T21:05:00.000Z"))]}", sentAt: sent)
        #expect(fine.replacedTimes == 0)
    }
}
