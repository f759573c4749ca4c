/// One message of a batch call: `id` is unique inside the call (1 to 80 of `A-Za-z0-9_-`), the reply names it.
package struct SQSBatchEntry: Hashable, Sendable {
    package var id: String
    package var receiptHandle: String

    package init(id: String, receiptHandle: String) {
        self.id = id
        self.receiptHandle = receiptHandle
    }
}

/// The SQS operations that are used, in AWS's JSON protocol 1.0: POST of `body` to `/` with the headers
/// `X-Amz-Target: target` and `Content-Type: application/x-amz-json-1.0`. Batches hold 1 to 10 entries.
/// Source: Amazon SQS API Reference.
package enum SQSRequest: Hashable, Sendable {
    /// Up to 10 messages; waits 0 to 20 s. Without a visibility timeout (0 to 43,200 s) the queue's own is used.
    case receiveMessage(
        queueURL: String, maximumMessages: Int, waitSeconds: Int, visibilityTimeoutSeconds: Int?)
    case deleteMessageBatch(queueURL: String, entries: [SQSBatchEntry])
    /// A timeout of 0 gives the messages back at once.
    case changeMessageVisibilityBatch(
        queueURL: String, entries: [SQSBatchEntry], visibilityTimeoutSeconds: Int)
    case getQueueAttributes(queueURL: String)
    case getQueueURL(queueName: String, ownerAccountID: String?)

    package var target: String {
        switch self {
        case .receiveMessage: "AmazonSQS.ReceiveMessage"
        case .deleteMessageBatch: "AmazonSQS.DeleteMessageBatch"
        case .changeMessageVisibilityBatch: "AmazonSQS.ChangeMessageVisibilityBatch"
        case .getQueueAttributes: "AmazonSQS.GetQueueAttributes"
        case .getQueueURL: "AmazonSQS.GetQueueUrl"
        }
    }

    package var body: [UInt8] {
        var writer = SQSBodyWriter()
        switch self {
        case .receiveMessage(let queueURL, let maximumMessages, let waitSeconds, let timeout):
            writer.string("QueueUrl", queueURL)
            writer.integer("MaxNumberOfMessages", maximumMessages)
            writer.integer("WaitTimeSeconds", waitSeconds)
            writer.member("MessageSystemAttributeNames", rawJSON: #"["All"]"#)
            if let timeout { writer.integer("VisibilityTimeout", timeout) }
        case .deleteMessageBatch(let queueURL, let entries):
            writer.string("QueueUrl", queueURL)
            writer.entries(entries, visibilityTimeoutSeconds: nil)
        case .changeMessageVisibilityBatch(let queueURL, let entries, let timeout):
            writer.string("QueueUrl", queueURL)
            writer.entries(entries, visibilityTimeoutSeconds: timeout)
        case .getQueueAttributes(let queueURL):
            writer.string("QueueUrl", queueURL)
            writer.member("AttributeNames", rawJSON: #"["All"]"#)
        case .getQueueURL(let queueName, let ownerAccountID):
            writer.string("QueueName", queueName)
            if let ownerAccountID { writer.string("QueueOwnerAWSAccountId", ownerAccountID) }
        }
        return writer.finished()
    }
}

/// Writes one JSON object, members in order, without white space.
private struct SQSBodyWriter {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    init() { bytes.reserveCapacity(512) }

    mutating func string(_ name: StaticString, _ value: String) {
        begin(name)
        appendJSONString(value, to: &bytes)
    }

    mutating func integer(_ name: StaticString, _ value: Int) {
        member(name, rawJSON: String(value))
    }

    mutating func member(_ name: StaticString, rawJSON: String) {
        begin(name)
        bytes.append(contentsOf: rawJSON.utf8)
    }

    mutating func entries(_ entries: [SQSBatchEntry], visibilityTimeoutSeconds: Int?) {
        begin("Entries")
        bytes.append(UInt8(ascii: "["))
        for entry in entries {
            comma()
            bytes.append(UInt8(ascii: "{"))
            string("Id", entry.id)
            string("ReceiptHandle", entry.receiptHandle)
            if let visibilityTimeoutSeconds {
                integer("VisibilityTimeout", visibilityTimeoutSeconds)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    consuming func finished() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// - Parameter name: nothing in it needs an escape.
    private mutating func begin(_ name: StaticString) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.description.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    /// Between two members or elements, which is anywhere but behind an opening bracket.
    private mutating func comma() {
        let isFirst = bytes.last == UInt8(ascii: "{") || bytes.last == UInt8(ascii: "[")
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
    }
}

/// A JSON string with its quotes (RFC 8259, section 7): only what must be escaped is.
func appendJSONString(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    if needsEscapes(text) {
        for byte in text.utf8 { appendEscaped(byte, to: &bytes) }
    } else {
        bytes.append(contentsOf: text.utf8)
    }
    bytes.append(UInt8(ascii: "\""))
}

private func needsEscapes(_ text: String) -> Bool {
    let span = text.utf8Span.span
    for index in span.indices where mustBeEscaped(span[index]) { return true }
    return false
}

private func mustBeEscaped(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
}

private func appendEscaped(_ byte: UInt8, to bytes: inout [UInt8]) {
    guard mustBeEscaped(byte) else { return bytes.append(byte) }
    if byte < 0x20 {
        bytes.append(contentsOf: #"\u00"#.utf8)
        appendHexadecimal([byte], to: &bytes)
    } else {
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
    }
}
