internal import Domain
internal import JSONScanning

struct SQSReplyParser {
    private var scanner: JSONScanner
    private let operation: String

    init(_ reply: [UInt8], operation: String) {
        scanner = JSONScanner(reply)
        self.operation = operation
    }

    mutating func receivedMessages() throws(AWSReplyError) -> [ReceivedMessage] {
        var list = JSONField()
        var messages: [MessageFields] = []
        try read { scanner throws(JSONError) in
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                switch name {
                case "Messages":
                    guard try scanner.enter(.array, &list) else { continue }
                    while try scanner.nextElement() {
                        messages.append(try MessageFields(from: &scanner))
                    }
                default: try scanner.skipValue()
                }
            }
        }
        try requireList(list, "Messages")
        var received: [ReceivedMessage] = []
        received.reserveCapacity(messages.count)
        for message in messages { received.append(try self.message(message)) }
        return received
    }

    mutating func batchOutcome() throws(AWSReplyError) -> SQSBatchOutcome {
        var successfulList = JSONField()
        var failedList = JSONField()
        var successful: [EntryFields] = []
        var failed: [EntryFields] = []
        try read { scanner throws(JSONError) in
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                switch name {
                case "Successful":
                    guard try scanner.enter(.array, &successfulList) else { continue }
                    while try scanner.nextElement() {
                        successful.append(try EntryFields(from: &scanner))
                    }
                case "Failed":
                    guard try scanner.enter(.array, &failedList) else { continue }
                    while try scanner.nextElement() {
                        failed.append(try EntryFields(from: &scanner))
                    }
                default: try scanner.skipValue()
                }
            }
        }
        try requireList(successfulList, "Successful")
        try requireList(failedList, "Failed")
        var outcome = SQSBatchOutcome(succeeded: [], failed: [])
        for entry in successful { outcome.succeeded.append(try text(entry.id, "Successful.Id")) }
        for entry in failed { outcome.failed.append(try failure(entry)) }
        return outcome
    }

    mutating func attributes() throws(AWSReplyError) -> [String: String] {
        var object = JSONField()
        var members: [(name: JSONName, value: JSONField)] = []
        try read { scanner throws(JSONError) in
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                switch name {
                case "Attributes":
                    guard try scanner.enter(.object, &object) else { continue }
                    while let name = try scanner.nextMember() {
                        var field = JSONField()
                        try scanner.read(into: &field)
                        members.append((name, field))
                    }
                default: try scanner.skipValue()
                }
            }
        }
        if object.value != nil, object.value?.kind != .object || object.repeatedAt != nil {
            throw unusable(object, "Attributes", expected: "an object")
        }
        var attributes: [String: String] = [:]
        for member in members {
            let name = scanner.text(member.name)
            let value = try text(member.value, "Attributes.\(name)")
            guard attributes.updateValue(value, forKey: name) == nil else {
                throw unusable(member.value, "Attributes.\(name)", expected: "a string")
            }
        }
        return attributes
    }

    mutating func queueURL() throws(AWSReplyError) -> String {
        var url = JSONField()
        try read { scanner throws(JSONError) in
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                switch name {
                case "QueueUrl": try scanner.read(into: &url)
                default: try scanner.skipValue()
                }
            }
        }
        return try text(url, "QueueUrl")
    }

    mutating func error() throws(AWSReplyError) -> (code: String, message: String) {
        var type = JSONField()
        var message = JSONField()
        try read { scanner throws(JSONError) in
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                switch name {
                case "__type": try scanner.read(into: &type)
                case "message", "Message": try scanner.read(into: &message)
                default: try scanner.skipValue()
                }
            }
        }
        let whole = try text(type, "__type")
        let code = whole.split(separator: "#").last ?? ""
        guard !code.isEmpty else { throw unusable(type, "__type", expected: "an error's name") }
        return (bounded(code), bounded(optionalText(message) ?? ""))
    }
}

extension SQSReplyParser {
    private mutating func read(
        _ members: (inout JSONScanner) throws(JSONError) -> Void
    ) throws(AWSReplyError) {
        do throws(JSONError) {
            try members(&scanner)
            try scanner.finish()
        } catch {
            throw .invalidJSON(operation: operation, error)
        }
    }

    private func message(_ fields: MessageFields) throws(AWSReplyError) -> ReceivedMessage {
        guard let body = fields.body.value, body.kind == .string, fields.body.repeatedAt == nil
        else { throw unusable(fields.body, "Messages.Body", expected: "a string") }
        return ReceivedMessage(
            messageID: try token(fields.messageID, "Messages.MessageId"),
            receiptHandle: try token(fields.receiptHandle, "Messages.ReceiptHandle"),
            body: scanner.contents(body),
            sentAt: optionalText(fields.sentAt).flatMap { Int64($0) }
                .map(Timestamp.init(milliseconds:)),
            receiveCount: optionalText(fields.receiveCount).flatMap { Int($0) })
    }

    private func failure(_ fields: EntryFields) throws(AWSReplyError) -> SQSBatchFailure {
        guard let fault = fields.senderFault.value, fault.kind == .boolean,
            fields.senderFault.repeatedAt == nil
        else {
            throw unusable(fields.senderFault, "Failed.SenderFault", expected: "true or false")
        }
        return SQSBatchFailure(
            id: try text(fields.id, "Failed.Id"), code: try text(fields.code, "Failed.Code"),
            senderFault: scanner.text(fault) == "true",
            message: bounded(optionalText(fields.message) ?? ""))
    }

    /// An absent or null list is an empty one.
    private func requireList(_ field: JSONField, _ member: String) throws(AWSReplyError) {
        guard let kind = field.value?.kind, kind != .null else { return }
        guard kind == .array, field.repeatedAt == nil else {
            throw unusable(field, member, expected: "an array")
        }
    }

    private func text(_ field: JSONField, _ member: String) throws(AWSReplyError) -> String {
        guard let value = field.value, value.kind == .string, field.repeatedAt == nil else {
            throw unusable(field, member, expected: "a string")
        }
        return scanner.text(value)
    }

    private func token(_ field: JSONField, _ member: String) throws(AWSReplyError) -> String {
        let token = try text(field, member)
        guard !token.isEmpty else {
            throw unusable(field, member, expected: "a string that is not empty")
        }
        return token
    }

    private func optionalText(_ field: JSONField) -> String? {
        guard let value = field.value, value.kind == .string else { return nil }
        return scanner.text(value)
    }

    private func unusable(
        _ field: JSONField, _ member: String, expected: String
    ) -> AWSReplyError {
        .unusableMember(
            operation: operation, member: member, expected: expected,
            offset: field.repeatedAt ?? field.value?.range.lowerBound ?? scanner.position)
    }

    private func bounded(_ text: some StringProtocol) -> String {
        String(decoding: text.utf8.prefix(1024), as: UTF8.self)
    }
}

private struct MessageFields {
    var messageID = JSONField()
    var receiptHandle = JSONField()
    var body = JSONField()
    var attributes = JSONField()
    var sentAt = JSONField()
    var receiveCount = JSONField()

    /// Reads one element of `Messages`; one that is no object stays without fields.
    init(from scanner: inout JSONScanner) throws(JSONError) {
        var whole = JSONField()
        guard try scanner.enter(.object, &whole) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "MessageId": try scanner.read(into: &messageID)
            case "ReceiptHandle": try scanner.read(into: &receiptHandle)
            case "Body": try scanner.read(into: &body)
            case "Attributes":
                guard try scanner.enter(.object, &attributes) else { continue }
                while let name = try scanner.nextMember() {
                    switch name {
                    case "SentTimestamp": try scanner.read(into: &sentAt)
                    case "ApproximateReceiveCount": try scanner.read(into: &receiveCount)
                    default: try scanner.skipValue()
                    }
                }
            default: try scanner.skipValue()
            }
        }
    }
}

/// One entry of `Successful` or `Failed`.
private struct EntryFields {
    var id = JSONField()
    var code = JSONField()
    var senderFault = JSONField()
    var message = JSONField()

    init(from scanner: inout JSONScanner) throws(JSONError) {
        var whole = JSONField()
        guard try scanner.enter(.object, &whole) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "Id": try scanner.read(into: &id)
            case "Code": try scanner.read(into: &code)
            case "SenderFault": try scanner.read(into: &senderFault)
            case "Message": try scanner.read(into: &message)
            default: try scanner.skipValue()
            }
        }
    }
}
