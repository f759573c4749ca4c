internal import Domain
internal import JSONScanning

/// Decodes one document. The forms are told apart only behind its end, since members come in any order; records are
/// decoded where they stand.
struct MessageDecoder {
    private var scanner: JSONScanner
    private let isInnerMessage: Bool
    private var message = DecodedMessage()
    private var furtherProblems = 0

    init(_ body: [UInt8], isInnerMessage: Bool) {
        scanner = JSONScanner(body)
        self.isInnerMessage = isInnerMessage
    }

    mutating func decode() -> DecodedMessage {
        do throws(JSONError) {
            if try scanner.nextKind() == .object {
                try decodeObject()
            } else {
                let value = try scanner.value()
                try scanner.finish()
                note(unknownForm(FieldReader(scanner, place: .message, start: 0), value))
            }
        } catch {
            note(
                DecodingProblem(
                    sentence: "The message is not valid JSON: \(error).", offset: error.offset))
        }
        if furtherProblems > 0 {
            message.problem?.sentence += " \(furtherProblems) more of its records have problems."
        }
        return message
    }

    private mutating func decodeObject() throws(JSONError) {
        var members = MessageMembers()
        try scanner.beginObject()
        while let name = try scanner.nextMember() {
            switch name {
            case "Records": try decodeRecords(&members.records)
            case "Type": try scanner.read(into: &members.type)
            case "Message": try scanner.read(into: &members.message)
            case "Event": try scanner.read(into: &members.event)
            case "Bucket": try scanner.read(into: &members.bucket)
            case "Time": try scanner.read(into: &members.time)
            case "source": try scanner.read(into: &members.source)
            case "detail-type": try scanner.read(into: &members.detailType)
            case "detail": try members.detail.read(&scanner)
            default: try scanner.skipValue()
            }
        }
        try scanner.finish()
        do throws(DecodingProblem) {
            try settle(members, FieldReader(scanner, place: .message, start: 0))
        } catch {
            note(error)
        }
    }

    private mutating func decodeRecords(_ field: inout JSONField) throws(JSONError) {
        guard try scanner.enter(.array, &field) else { return }
        var count = 0
        while try scanner.nextElement() {
            count += 1
            guard count <= maximumRecords else {
                try scanner.skipValue()
                continue
            }
            try decodeRecord(index: count - 1)
        }
        let reader = FieldReader(scanner, place: .message, start: 0)
        if count == 0 {
            note(reader.problem(field, "Records", expected: "at least one record"))
        } else if count > maximumRecords {
            note(
                reader.problem(
                    field, "Records",
                    expected: "at most \(maximumRecords) records (\(count) were sent)"))
        }
    }

    private mutating func decodeRecord(index: Int) throws(JSONError) {
        var members = RecordMembers()
        try members.read(&scanner)
        let reader = FieldReader(scanner, place: .record(index), start: members.start)
        do throws(DecodingProblem) {
            switch try members.meaning(reader) {
            case .event(let event): message.events.append(event)
            case .foreign(let name): message.foreign.append(name)
            }
        } catch {
            note(error)
        }
    }

    private mutating func note(_ problem: DecodingProblem) {
        if message.problem == nil {
            message.problem = problem
        } else {
            furtherProblems += 1
        }
    }
}

private struct MessageMembers {
    var records = JSONField()
    var type = JSONField()
    var message = JSONField()
    var event = JSONField()
    var bucket = JSONField()
    var time = JSONField()
    var source = JSONField()
    var detailType = JSONField()
    var detail = DetailMembers()
}

/// The members of an EventBridge job event's `detail`.
private struct DetailMembers {
    var whole = JSONField()
    var eventName = JSONField()
    var serviceEventDetails = JSONField()
    var jobID = JSONField()
    var status = JSONField()

    mutating func read(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.enter(.object, &whole) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "eventName": try scanner.read(into: &eventName)
            case "serviceEventDetails": try readDetails(&scanner)
            default: try scanner.skipValue()
            }
        }
    }

    private mutating func readDetails(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.enter(.object, &serviceEventDetails) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "jobId": try scanner.read(into: &jobID)
            case "status": try scanner.read(into: &status)
            default: try scanner.skipValue()
            }
        }
    }
}

extension MessageDecoder {
    /// Decides which form the message has, and takes what it says. `Records` settle themselves.
    private mutating func settle(
        _ members: MessageMembers, _ reader: FieldReader
    ) throws(DecodingProblem) {
        if members.records.value != nil {
            try reader.require(.array, members.records, "Records")
        } else if members.detailType.value != nil {
            try settleEventBridge(members, reader)
        } else if members.event.value != nil {
            guard try reader.text(members.event, "Event", upTo: 64) == "s3:TestEvent" else {
                throw reader.problem(members.event, "Event", expected: #""s3:TestEvent""#)
            }
            message.tests.append(
                S3TestEvent(
                    bucket: try reader.text(members.bucket, "Bucket", upTo: Bounds.bucket),
                    time: try reader.timestamp(members.time, "Time")))
        } else if members.type.value != nil {
            try settleEnvelope(members, reader)
        } else {
            throw unknownForm(reader, nil)
        }
    }

    private mutating func settleEnvelope(
        _ members: MessageMembers, _ reader: FieldReader
    ) throws(DecodingProblem) {
        let type = try reader.text(members.type, "Type", upTo: 64)
        guard type == "Notification" else {
            throw reader.problem(
                members.type, "Type",
                expected: #""Notification" (confirm an SNS subscription yourself: "#
                    + "no URL of a message is ever fetched)")
        }
        guard !isInnerMessage else {
            throw reader.problem(
                members.type, "Type", expected: "no SNS envelope inside another one")
        }
        let inner = try reader.contents(members.message, "Message")
        var decoder = MessageDecoder(inner, isInnerMessage: true)
        message = decoder.decode()
        if let problem = message.problem {
            message.problem?.sentence =
                "In the SNS envelope's Message (offsets count inside it): \(problem.sentence)"
        }
    }

    private mutating func settleEventBridge(
        _ members: MessageMembers, _ reader: FieldReader
    ) throws(DecodingProblem) {
        let source = try reader.text(members.source, "source", upTo: Bounds.name)
        let type = try reader.text(members.detailType, "detail-type", upTo: Bounds.name)
        guard source == "aws.s3" else {
            throw reader.problem(members.source, "source", expected: #""aws.s3""#)
        }
        guard type == "AWS Service Event via CloudTrail" else {
            message.foreign.append(type)
            return
        }
        try reader.require(.object, members.detail.whole, "detail")
        let name = try reader.text(members.detail.eventName, "detail.eventName", upTo: Bounds.name)
        guard name == "JobStatusChanged" || name == "JobCreated" else {
            message.foreign.append(name)
            return
        }
        let details = "detail.serviceEventDetails"
        try reader.require(.object, members.detail.serviceEventDetails, details)
        message.jobStatusChanges.append(
            JobStatusChange(
                jobID: try reader.text(members.detail.jobID, details + ".jobId", upTo: 64),
                status: try reader.text(members.detail.status, details + ".status", upTo: 64)))
    }

    private func unknownForm(_ reader: FieldReader, _ value: JSONValue?) -> DecodingProblem {
        let start = quoted(scanner.bytes[..<min(scanner.bytes.count, 400)])
        return DecodingProblem(
            sentence: "The message \(start) has no known form: expected an S3 event (Records), "
                + "an SNS envelope (Type, Message), an EventBridge job event (detail-type, detail) "
                + "or an s3:TestEvent (Event).",
            offset: value?.range.lowerBound ?? 0)
    }
}
