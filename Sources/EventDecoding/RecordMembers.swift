internal import Domain
internal import JSONScanning

/// Upper bounds of what a record may hold, in bytes unless said otherwise.
enum Bounds {
    /// S3's own bound of an object's key, decoded.
    static let key = 1024
    /// Characters. Source: S3 API Reference, ReplicationRule.ID.
    static let ruleID = 255
    /// Buckets in us-east-1 made before March 2018 may have names this long.
    static let bucket = 255
    static let versionID = 1024
    /// 1 PiB, twenty times S3's largest object: one absurd size must not use up the sums that later failures are
    /// added to. Source: Amazon S3 User Guide, "UsingObjects": 10,000 parts of 5 GiB.
    static let size: Int64 = 1 << 50
    /// Everything else: names, codes, IDs.
    static let name = 256
}

/// The members of one S3 event record that are read; all others are passed.
/// Source: Amazon S3 User Guide, "Event message structure".
struct RecordMembers {
    enum Meaning {
        case event(ReplicationEvent)
        case foreign(String)
    }

    private(set) var start = 0
    private var whole = JSONField()
    private var eventVersion = JSONField()
    private var eventSource = JSONField()
    private var awsRegion = JSONField()
    private var eventTime = JSONField()
    private var eventName = JSONField()
    private var responseElements = JSONField()
    private var requestID = JSONField()
    private var s3 = JSONField()
    private var bucket = JSONField()
    private var bucketName = JSONField()
    private var object = JSONField()
    private var key = JSONField()
    private var size = JSONField()
    private var eTag = JSONField()
    private var versionID = JSONField()
    private var sequencer = JSONField()
    private var eventData = JSONField()
    private var ruleID = JSONField()
    private var rule = JSONField()
    private var destination = JSONField()
    private var operation = JSONField()
    private var reason = JSONField()

    init() {}

    /// Reads one element of `Records`, whatever it is.
    mutating func read(_ scanner: inout JSONScanner) throws(JSONError) {
        _ = try scanner.nextKind()
        start = scanner.position
        guard try scanner.enter(.object, &whole) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "eventVersion": try scanner.read(into: &eventVersion)
            case "eventSource": try scanner.read(into: &eventSource)
            case "awsRegion": try scanner.read(into: &awsRegion)
            case "eventTime": try scanner.read(into: &eventTime)
            case "eventName": try scanner.read(into: &eventName)
            case "responseElements": try readResponseElements(&scanner)
            case "s3": try readS3(&scanner)
            case "replicationEventData": try readEventData(&scanner)
            default: try scanner.skipValue()
            }
        }
    }

    private mutating func readResponseElements(
        _ scanner: inout JSONScanner
    ) throws(JSONError) {
        guard try scanner.enter(.object, &responseElements) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "x-amz-request-id": try scanner.read(into: &requestID)
            default: try scanner.skipValue()
            }
        }
    }

    private mutating func readS3(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.enter(.object, &s3) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "bucket": try readBucket(&scanner)
            case "object": try readObject(&scanner)
            default: try scanner.skipValue()
            }
        }
    }

    private mutating func readBucket(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.enter(.object, &bucket) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "name": try scanner.read(into: &bucketName)
            default: try scanner.skipValue()
            }
        }
    }

    private mutating func readObject(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.enter(.object, &object) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "key": try scanner.read(into: &key)
            case "size": try scanner.read(into: &size)
            case "eTag": try scanner.read(into: &eTag)
            case "versionId": try scanner.read(into: &versionID)
            case "sequencer": try scanner.read(into: &sequencer)
            default: try scanner.skipValue()
            }
        }
    }

    private mutating func readEventData(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.enter(.object, &eventData) else { return }
        while let name = try scanner.nextMember() {
            switch name {
            case "replicationRuleId": try scanner.read(into: &ruleID)
            case "replicationRule": try scanner.read(into: &rule)
            case "destinationBucket": try scanner.read(into: &destination)
            case "s3Operation": try scanner.read(into: &operation)
            case "failureReason": try scanner.read(into: &reason)
            default: try scanner.skipValue()
            }
        }
    }
}

extension RecordMembers {
    func meaning(_ reader: FieldReader) throws(DecodingProblem) -> Meaning {
        try reader.require(.object, whole, "")
        var name = try reader.text(eventName, "eventName", upTo: Bounds.name)
        // S3's configuration names events with this prefix, its messages do not.
        if name.hasPrefix("s3:") { name.removeFirst(3) }
        let isReplication = name.hasPrefix("Replication:")
        let source = try reader.optionalText(eventSource, "eventSource", upTo: Bounds.name)
        guard source == "aws:s3" || (source == nil && isReplication) else {
            throw reader.problem(eventSource, "eventSource", expected: #""aws:s3""#)
        }
        guard isReplication else { return .foreign(name) }
        guard let known = ReplicationEvent.Name.allCases.first(where: { $0.text == name }) else {
            throw reader.problem(
                eventName, "eventName",
                expected: ReplicationEvent.Name.allCases.map(\.text).joined(separator: ", "))
        }
        return .event(try event(named: known, reader))
    }

    private func event(
        named name: ReplicationEvent.Name, _ reader: FieldReader
    ) throws(DecodingProblem) -> ReplicationEvent {
        try requireStructure(reader)
        return ReplicationEvent(
            name: name,
            region: try reader.optionalText(awsRegion, "awsRegion", upTo: Bounds.name) ?? "",
            eventTime: try reader.timestamp(eventTime, "eventTime"),
            requestID: try reader.optionalText(
                requestID, "responseElements.x-amz-request-id", upTo: Bounds.name) ?? "",
            sourceBucket: try reader.text(bucketName, "s3.bucket.name", upTo: Bounds.bucket),
            ruleID: try ruleText(reader),
            destinationBucket: try destinationText(reader),
            key: try reader.key(key, "s3.object.key"),
            versionID: try version(reader),
            size: try reader.size(size, "s3.object.size"),
            eTag: try reader.optionalText(eTag, "s3.object.eTag", upTo: Bounds.name),
            sequencer: try reader.optionalText(
                sequencer, "s3.object.sequencer", upTo: Bounds.name),
            operation: try reader.optionalText(
                operation, "replicationEventData.s3Operation", upTo: Bounds.name),
            reason: try reader.optionalText(
                reason, "replicationEventData.failureReason", upTo: Bounds.name))
    }

    private func requireStructure(_ reader: FieldReader) throws(DecodingProblem) {
        let version = try reader.optionalText(eventVersion, "eventVersion", upTo: 16) ?? "2"
        guard version == "2" || version.hasPrefix("2.") else {
            throw reader.problem(eventVersion, "eventVersion", expected: "major version 2")
        }
        try reader.require(.object, s3, "s3")
        try reader.require(.object, bucket, "s3.bucket")
        try reader.require(.object, object, "s3.object")
        try reader.require(.object, eventData, "replicationEventData")
        if responseElements.value?.kind != .null {
            try reader.require(.object, responseElements, "responseElements", optional: true)
        }
    }

    private func version(_ reader: FieldReader) throws(DecodingProblem) -> String {
        let text = try reader.optionalText(
            versionID, "s3.object.versionId", upTo: Bounds.versionID)
        guard let text, !text.isEmpty else { return "null" }
        return text
    }

    private func ruleText(_ reader: FieldReader) throws(DecodingProblem) -> String {
        let isAlias = (ruleID.value == nil || ruleID.value?.kind == .null) && rule.value != nil
        let field = isAlias ? rule : ruleID
        let path =
            isAlias
            ? "replicationEventData.replicationRule" : "replicationEventData.replicationRuleId"
        let text = try reader.text(field, path, upTo: Bounds.ruleID * 4)
        guard text.utf8.count <= Bounds.ruleID || text.unicodeScalars.count <= Bounds.ruleID else {
            throw reader.problem(field, path, expected: "at most \(Bounds.ruleID) characters")
        }
        return text
    }

    /// The bare name from `arn:PARTITION:s3:::NAME`, or from itself.
    private func destinationText(_ reader: FieldReader) throws(DecodingProblem) -> String {
        let path = "replicationEventData.destinationBucket"
        let text = try reader.text(destination, path, upTo: Bounds.bucket + 64)
        guard let name = bareBucketName(text), name.utf8.count <= Bounds.bucket else {
            throw reader.problem(
                destination, path,
                expected: "a bucket's ARN (arn:PARTITION:s3:::NAME) or its name of at most "
                    + "\(Bounds.bucket) bytes")
        }
        return name
    }
}

/// NAME of `arn:PARTITION:s3:::NAME`, or of itself; nil when it is empty or holds a colon or a slash.
private func bareBucketName(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    var start = 0
    if bytes.starts(with: "arn:".utf8), let end = bytes[4...].firstIndex(of: UInt8(ascii: ":")) {
        guard end > 4, bytes[end...].starts(with: ":s3:::".utf8) else { return nil }
        start = end + 6
    }
    let name = bytes[start...]
    guard !name.isEmpty, !name.contains(UInt8(ascii: ":")), !name.contains(UInt8(ascii: "/"))
    else { return nil }
    return String(decoding: name, as: UTF8.self)
}
