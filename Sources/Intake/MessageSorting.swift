internal import AWSProtocol
internal import Domain
internal import EventDecoding
internal import LogRecords

/// What one message holds.
struct SortedMessage: Equatable {
    var messageID: String
    var receiptHandle: String
    var sentAt: Timestamp?
    /// Records for the log. A message whose records are on disk may be deleted; one without any too, once its queue is
    /// known to be ours.
    var payloads: [LogPayload] = []
    /// A replication event or an s3:TestEvent stands in it: the queue is ours.
    var isOurs = false
    var foundTest = false
    /// Names of S3 events that are not replication's.
    var foreignEvents: [String] = []
    /// What could not be decoded or was not wanted: the message is among `payloads` as a whole.
    var problem: String?
    /// Event times that lay more than 5 minutes after the message was sent, and were replaced by that.
    var replacedTimes = 0
    /// Newest s3:TestEvent.
    var testedAt: Timestamp?
    /// An EventBridge event says that a job's status changed.
    var saysJobChanged = false
}

/// SQS takes no message above 1 MiB; what claims to be longer is kept up to here, so that it fits a log record.
private let maximumKeptBody = 1_048_576 + 4096

/// How the messages of one queue are sorted.
struct MessageSorting: Sendable {
    let queueURL: String
    /// `restrictToBuckets`: events of other source buckets go into quarantine. Nil: all are taken.
    var buckets: Set<String>?

    func sort(_ message: ReceivedMessage, receivedAt: Timestamp) -> SortedMessage {
        let decoded = decodeMessage(message.body)
        var sorted = SortedMessage(
            messageID: message.messageID, receiptHandle: message.receiptHandle,
            sentAt: message.sentAt)
        sorted.payloads.reserveCapacity(decoded.events.count)
        var problem = decoded.problem.map { ($0.sentence, $0.offset) }
        for event in decoded.events {
            if let buckets, !buckets.contains(event.sourceBucket) {
                problem = problem ?? (unwanted(event), 0)
            } else if let sentAt = message.sentAt, isAhead(event.eventTime, of: sentAt) {
                sorted.payloads.append(.event(event.moved(to: sentAt)))
                sorted.replacedTimes += 1
            } else {
                sorted.payloads.append(.event(event))
            }
        }
        for test in decoded.tests {
            sorted.payloads.append(
                .notificationTest(
                    NotificationTest(queueURL: queueURL, bucket: test.bucket, time: test.time)))
            sorted.testedAt = max(sorted.testedAt ?? test.time, test.time)
        }
        if let (sentence, offset) = problem {
            sorted.problem = sentence
            sorted.payloads.append(
                .quarantined(
                    QuarantinedMessage(
                        queueURL: queueURL, messageID: message.messageID, receivedAt: receivedAt,
                        problem: sentence, offset: offset,
                        body: Array(message.body.prefix(maximumKeptBody)))))
        }
        sorted.isOurs = !decoded.events.isEmpty || !decoded.tests.isEmpty
        sorted.foundTest = !decoded.tests.isEmpty
        sorted.foreignEvents = decoded.foreign
        sorted.saysJobChanged = !decoded.jobStatusChanges.isEmpty
        return sorted
    }

    private func unwanted(_ event: ReplicationEvent) -> String {
        "The event is of bucket \(event.sourceBucket), which is not among the configured buckets, and "
            + "restrictToBuckets is true."
    }

    private func isAhead(_ eventTime: Timestamp, of sentAt: Timestamp) -> Bool {
        let tolerance: Int64 = 5 * 60_000
        return eventTime > sentAt.advanced(byMilliseconds: tolerance)
    }
}
