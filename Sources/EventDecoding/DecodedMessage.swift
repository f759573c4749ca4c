package import Domain
internal import JSONScanning

/// What one message body says. Good records stand in `events` even when others of the message are a `problem`.
package struct DecodedMessage: Hashable, Sendable {
    package var events: [ReplicationEvent] = []
    package var tests: [S3TestEvent] = []
    package var jobStatusChanges: [JobStatusChange] = []
    /// Names of S3 events that are none of replication, such as `ObjectCreated:Put`; one per record.
    package var foreign: [String] = []
    /// What could not be decoded: the first such place. The message belongs into quarantine.
    package var problem: DecodingProblem?

    package init() {}
}

/// `s3:TestEvent`: S3 could reach the queue when the bucket's notification configuration was put.
package struct S3TestEvent: Hashable, Sendable {
    package let bucket: String
    package let time: Timestamp
}

/// EventBridge's "AWS Service Event via CloudTrail" of S3 Batch Operations: a hint to look at the job, no more.
package struct JobStatusChange: Hashable, Sendable {
    package let jobID: String
    /// Verbatim, such as `Complete`.
    package let status: String
}

package struct DecodingProblem: Error, Hashable, Sendable {
    /// Names the field, its value (shortened, control characters escaped) and what was expected.
    package var sentence: String
    /// Byte offset in the message's body; for an SNS envelope in its inner message, which the sentence says.
    package var offset: Int
}

/// SQS allows 1,048,576 bytes of body and attributes; a little more is let through.
/// Source: Amazon SQS quotas, since January 2026.
package let maximumBodySize = 1_048_576 + 4096
package let maximumRecords = 10_000

/// Decodes one message body: an S3 event with any number of records, an SNS envelope around such a body, an
/// EventBridge job event, or an `s3:TestEvent`. Never fails as a whole: see `DecodedMessage.problem`.
package func decodeMessage(_ body: [UInt8]) -> DecodedMessage {
    guard body.count <= maximumBodySize else {
        var message = DecodedMessage()
        message.problem = DecodingProblem(
            sentence:
                "The message body has \(body.count) bytes: expected at most \(maximumBodySize).",
            offset: 0)
        return message
    }
    var decoder = MessageDecoder(body, isInnerMessage: false)
    return decoder.decode()
}
