/// One S3 replication event, decoded: the record of a notification whose `eventName` begins with `Replication:`.
/// Source: Amazon S3 User Guide, "Receiving replication failure events with Amazon S3 Event Notifications".
package struct ReplicationEvent: Hashable, Sendable {
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

    package var name: Name
    /// AWS Region of the source bucket (`awsRegion`).
    package var region: String
    package var eventTime: Timestamp
    /// `responseElements.x-amz-request-id`: settles ties of `eventTime`, bytewise. Empty when absent.
    package var requestID: String
    package var sourceBucket: String
    /// `replicationRuleId`; unique inside one source bucket only.
    package var ruleID: String
    /// The bare name; events carry an ARN.
    package var destinationBucket: String
    /// Form-decoded to its bytes.
    package var key: ObjectKey
    /// `null` for the null version, also when the event has none.
    package var versionID: String
    /// Bytes.
    package var size: Int64?
    package var eTag: String?
    /// Belongs to the object's write, the same for every event of the version: stored, never compared.
    package var sequencer: String?
    /// `s3Operation`, verbatim; only `OBJECT_PUT` is documented.
    package var operation: String?
    /// `failureReason`, verbatim.
    package var reason: String?

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
