internal import AWSProtocol
internal import Domain
internal import EventDecoding
internal import LogRecords

/// What becomes of one message: the records for the log, and whether it may be deleted once they are synced.
struct SortedMessage: Equatable {
    var payloads: [LogPayload] = []
    /// False: it is somebody else's and stays on the queue.
    var mayBeDeleted = true
    /// It holds a replication event or an s3:TestEvent: the queue is ours.
    var isOurs = false
    /// Names of S3 events that are not replication's.
    var foreignEvents: [String] = []
    /// Event times that lay more than 5 minutes after the message was sent, and were replaced by that.
    var replacedTimes = 0
    /// Newest s3:TestEvent.
    var testedAt: Timestamp?
}

/// Sorts one message of a queue.
///
/// - Parameter isKnown: the queue has shown a replication event or an s3:TestEvent before. On one that never has,
///   other people's events stay where they are.
func sort(
    _ message: ReceivedMessage, queueURL: String, isKnown: Bool, receivedAt: Timestamp
) -> SortedMessage {
    let decoded = decodeMessage(message.body)
    var sorted = SortedMessage()
    for event in decoded.events {
        var event = event
        if let sentAt = message.sentAt, isAhead(event.eventTime, of: sentAt) {
            event.eventTime = sentAt
            sorted.replacedTimes += 1
        }
        sorted.payloads.append(.event(event))
    }
    for test in decoded.tests {
        sorted.payloads.append(
            .notificationTest(
                NotificationTest(queueURL: queueURL, bucket: test.bucket, time: test.time)))
        sorted.testedAt = max(sorted.testedAt ?? test.time, test.time)
    }
    if let problem = decoded.problem {
        sorted.payloads.append(
            .quarantined(
                QuarantinedMessage(
                    queueURL: queueURL, messageID: message.messageID, receivedAt: receivedAt,
                    problem: problem.sentence, offset: problem.offset, body: message.body)))
    }
    sorted.isOurs = !decoded.events.isEmpty || !decoded.tests.isEmpty
    sorted.foreignEvents = decoded.foreign
    let isOnlyForeign = sorted.payloads.isEmpty && !decoded.foreign.isEmpty
    sorted.mayBeDeleted = !isOnlyForeign || isKnown
    return sorted
}

private func isAhead(_ eventTime: Timestamp, of sentAt: Timestamp) -> Bool {
    let tolerance: Int64 = 5 * 60_000
    return eventTime > sentAt.advanced(byMilliseconds: tolerance)
}
