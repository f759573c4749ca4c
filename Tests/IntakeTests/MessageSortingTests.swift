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
        _ body: String, sentAt: Timestamp? = nil, buckets: Set<String>? = nil
    ) -> SortedMessage {
        MessageSorting(queueURL: "q", buckets: buckets)
            .sort(message(body, sentAt: sentAt), receivedAt: now)
    }

    func record(
        _ name: String = "Replication:OperationFailedReplication",
        time: String = "2024-09-05T21:04:32.527Z", key: String = "k", bucket: String = "orders"
    ) -> String {
        """
        {"eventVersion":"2.2","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"\(time)",\
        "eventName":"\(name)","s3":{"bucket":{"name":"\(bucket)"},"object":{"key":"\(key)","size":1,\
        "eTag":"e","versionId":"v","sequencer":"1"}},"replicationEventData":{"replicationRuleId":"r",\
        "destinationBucket":"arn:aws:s3:::backup","s3Operation":"OBJECT_PUT",\
        "failureReason":"AssumeRoleNotPermitted"}}
        """
    }

    @Test func `a failure is for the log and shows that the queue is ours`() {
        let result = sorted("{\"Records\":[\(record())]}")
        #expect(result.payloads.count == 1)
        #expect(result.isOurs && !result.foundTest && result.problem == nil)
    }

    @Test
    func `an event of a bucket that is not wanted is quarantined whole, its neighbour is not`() {
        let body = "{\"Records\":[\(record()),\(record(bucket: "other"))]}"
        let result = sorted(body, buckets: ["other"])
        guard case .event(let event)? = result.payloads.first,
            case .quarantined(let kept)? = result.payloads.last
        else {
            Issue.record("\(result)")
            return
        }
        #expect(event.sourceBucket == "other" && kept.body == Array(body.utf8))
        #expect(kept.problem.contains("orders") && kept.problem.contains("restrictToBuckets"))
    }

    @Test func `a job-status event only says that a job changed`() {
        let body = """
            {"version":"0","source":"aws.s3","detail-type":"AWS Service Event via CloudTrail","detail":\
            {"eventSource":"s3.amazonaws.com","eventName":"JobStatusChanged","serviceEventDetails":\
            {"jobId":"j-1","status":"Complete"}}}
            """
        let result = sorted(body)
        #expect(result.saysJobChanged && result.payloads.isEmpty && !result.isOurs)
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
    }

    @Test func `other people's events hold nothing for the log and do not make a queue ours`() {
        let strange = sorted("{\"Records\":[\(record("ObjectCreated:Put"))]}")
        #expect(strange.payloads.isEmpty && !strange.isOurs)
        #expect(strange.foreignEvents == ["ObjectCreated:Put"])
    }

    @Test func `an s3:TestEvent makes the queue known`() {
        let body = """
            {"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-24T06:00:00.000Z",\
            "Bucket":"orders","RequestId":"r","HostId":"h"}
            """
        let result = sorted(body)
        #expect(result.isOurs && result.foundTest)
        #expect(result.testedAt == Timestamp(rfc3339: "2026-11-24T06:00:00.000Z"))
    }

    @Test func `a body longer than any message is kept as far as a log record goes`() {
        let result = sorted(String(repeating: "x", count: 3 << 20))
        guard case .quarantined(let kept)? = result.payloads.first else {
            Issue.record("\(result.payloads.count) payloads")
            return
        }
        #expect(kept.body.count == 1_048_576 + 4096)
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
