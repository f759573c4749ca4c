/// One S3 replication event, decoded: the record of a notification whose `eventName` begins with `Replication:`.
/// Source: Amazon S3 User Guide, "Receiving replication failure events with Amazon S3 Event Notifications".
///
/// It never changes, so it is shared: a copy of its dozen texts would cost more than decoding one of them.
package final class ReplicationEvent: Hashable, Sendable {
    /// The four events of S3 replication. Raw values are those of the log's payloads: never change one.
    package enum Name: UInt8, Sendable, CaseIterable {
        case operationFailed = 1
        case missedThreshold = 2
        case replicatedAfterThreshold = 3
        case notTracked = 4

        /// S3's `eventName`, without the prefix `s3:`.
        package var text: String {
            switch self {
            case .operationFailed: "Replication:OperationFailedReplication"
            case .missedThreshold: "Replication:OperationMissedThreshold"
            case .replicatedAfterThreshold: "Replication:OperationReplicatedAfterThreshold"
            case .notTracked: "Replication:OperationNotTracked"
            }
        }
    }

    package let name: Name
    /// AWS Region of the source bucket (`awsRegion`).
    package let region: String
    package let eventTime: Timestamp
    /// `responseElements.x-amz-request-id`: settles ties of `eventTime`, bytewise. Empty when absent.
    package let requestID: String
    package let sourceBucket: String
    /// `replicationRuleId`; unique inside one source bucket only.
    package let ruleID: String
    /// The bare name; events carry an ARN.
    package let destinationBucket: String
    /// Form-decoded to its bytes.
    package let key: ObjectKey
    /// `null` for the null version, also when the event has none.
    package let versionID: String
    /// Bytes.
    package let size: Int64?
    package let eTag: String?
    /// Belongs to the object's write, the same for every event of the version: stored, never compared.
    package let sequencer: String?
    /// `s3Operation`, verbatim; only `OBJECT_PUT` is documented.
    package let operation: String?
    /// `failureReason`, verbatim.
    package let reason: String?

    package init(
        name: Name, region: String, eventTime: Timestamp, requestID: String, sourceBucket: String,
        ruleID: String, destinationBucket: String, key: ObjectKey, versionID: String,
        size: Int64? = nil, eTag: String? = nil, sequencer: String? = nil,
        operation: String? = nil, reason: String? = nil
    ) {
        self.name = name
        self.region = region
        self.eventTime = eventTime
        self.requestID = requestID
        self.sourceBucket = sourceBucket
        self.ruleID = ruleID
        self.destinationBucket = destinationBucket
        self.key = key
        self.versionID = versionID
        self.size = size
        self.eTag = eTag
        self.sequencer = sequencer
        self.operation = operation
        self.reason = reason
    }

    /// The same event at another time.
    package func moved(to time: Timestamp) -> ReplicationEvent {
        ReplicationEvent(
            name: name, region: region, eventTime: time, requestID: requestID,
            sourceBucket: sourceBucket, ruleID: ruleID, destinationBucket: destinationBucket,
            key: key, versionID: versionID, size: size, eTag: eTag, sequencer: sequencer,
            operation: operation, reason: reason)
    }

    package static func == (left: ReplicationEvent, right: ReplicationEvent) -> Bool {
        left.name == right.name && left.eventTime == right.eventTime && left.key == right.key
            && left.size == right.size && left.texts == right.texts
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(eventTime)
        hasher.combine(versionID)
    }

    private var texts: [String?] {
        [
            region, requestID, sourceBucket, ruleID, destinationBucket, versionID, eTag, sequencer,
            operation, reason,
        ]
    }
}

/// A message that could not be decoded, or not in full, kept whole with the reason. One per queue and message ID.
package struct QuarantinedMessage: Hashable, Sendable {
    package var queueURL: String
    /// SQS's MessageId.
    package var messageID: String
    package var receivedAt: Timestamp
    /// A sentence: what is wrong.
    package var problem: String
    /// Byte offset in the body at which decoding stopped.
    package var offset: Int
    package var body: [UInt8]

    package init(
        queueURL: String, messageID: String, receivedAt: Timestamp, problem: String, offset: Int,
        body: [UInt8]
    ) {
        self.queueURL = queueURL
        self.messageID = messageID
        self.receivedAt = receivedAt
        self.problem = problem
        self.offset = offset
        self.body = body
    }
}

extension QuarantinedMessage {
    private static let logName = "log"

    /// A record of the write-ahead log that could not be decoded or applied, under its LSN.
    package init(logRecord payload: [UInt8], lsn: UInt64, at: Timestamp, problem: String) {
        self.init(
            queueURL: Self.logName, messageID: "LSN \(lsn)", receivedAt: at, problem: problem,
            offset: 0, body: payload)
    }

    /// Whether the body is a record of the log, and no message of a queue.
    package var isLogRecord: Bool { queueURL == Self.logName }
}

/// S3's `s3:TestEvent`, sent when a bucket's notification configuration is put: the proof that the queue is wired.
package struct NotificationTest: Hashable, Sendable {
    package var queueURL: String
    package var bucket: String
    package var time: Timestamp

    package init(queueURL: String, bucket: String, time: Timestamp) {
        self.queueURL = queueURL
        self.bucket = bucket
        self.time = time
    }
}
