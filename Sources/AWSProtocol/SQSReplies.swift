package import Domain
package import JSONScanning

/// Why an answer of AWS could not be read.
package enum AWSReplyError: Error, Hashable, Sendable {
    case invalidJSON(operation: String, JSONError)
    /// A member that must be there is absent, repeated, or of another type.
    case unusableMember(operation: String, member: String, expected: String, offset: Int)

    /// A sentence.
    package var sentence: String {
        switch self {
        case .invalidJSON(let operation, let error):
            "AWS's reply to \(operation) is not valid JSON: \(error)."
        case .unusableMember(let operation, let member, let expected, let offset):
            "AWS's reply to \(operation) has no usable \(member) at byte \(offset): "
                + "expected \(expected), once."
        }
    }
}

/// One message as ReceiveMessage hands it out.
package struct ReceivedMessage: Hashable, Sendable {
    package var messageID: String
    /// Of this receive: a later receive of the message makes it stale.
    package var receiptHandle: String
    /// The body's exact UTF-8 bytes, its JSON escapes undone.
    package var body: [UInt8]
    package var sentAt: Timestamp?
    /// How often the message was received, this time included (approximate).
    package var receiveCount: Int?

    package init(
        messageID: String, receiptHandle: String, body: [UInt8], sentAt: Timestamp? = nil,
        receiveCount: Int? = nil
    ) {
        self.messageID = messageID
        self.receiptHandle = receiptHandle
        self.body = body
        self.sentAt = sentAt
        self.receiveCount = receiveCount
    }
}

/// One entry of a batch call that SQS refused; the others of the call are done.
package struct SQSBatchFailure: Hashable, Sendable {
    package var id: String
    /// Such as `ReceiptHandleIsInvalid`.
    package var code: String
    /// Whether the fault is ours: sending the same again will not help.
    package var senderFault: Bool
    package var message: String
}

package struct SQSBatchOutcome: Hashable, Sendable {
    package var succeeded: [String]
    package var failed: [SQSBatchFailure]
}

/// Reads the replies to `SQSRequest`. The caller bounds their size.
package enum SQSReply {
    /// The messages, none when the reply has no `Messages`.
    package static func parseReceive(
        _ reply: [UInt8]
    ) throws(AWSReplyError) -> [ReceivedMessage] {
        var parser = SQSReplyParser(reply, operation: "ReceiveMessage")
        return try parser.receivedMessages()
    }

    /// The reply to DeleteMessageBatch or ChangeMessageVisibilityBatch.
    package static func parseBatch(_ reply: [UInt8]) throws(AWSReplyError) -> SQSBatchOutcome {
        var parser = SQSReplyParser(reply, operation: "a batch call")
        return try parser.batchOutcome()
    }

    /// The queue's attributes by name; values are strings on the wire, numbers too.
    package static func parseAttributes(
        _ reply: [UInt8]
    ) throws(AWSReplyError) -> [String: String] {
        var parser = SQSReplyParser(reply, operation: "GetQueueAttributes")
        return try parser.attributes()
    }

    package static func parseQueueURL(_ reply: [UInt8]) throws(AWSReplyError) -> String {
        var parser = SQSReplyParser(reply, operation: "GetQueueUrl")
        return try parser.queueURL()
    }

    /// Code (behind the `#` of `__type`, such as `QueueDoesNotExist`) and message of an error's body; nil when the
    /// body is not such an error, as from a proxy. Both are shortened to 1,024 bytes.
    package static func parseError(_ reply: [UInt8]) -> (code: String, message: String)? {
        var parser = SQSReplyParser(reply, operation: "an operation")
        return try? parser.error()
    }
}
