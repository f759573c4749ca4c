package import Domain

// The bytes of one payload of the write-ahead log. Integers are little-endian; `blob` is a length as a varint
// (LEB128, shortest form, at most 4 bytes) and as many bytes; `text` is a blob of UTF-8.
//
//     u8    version: 1
//     u8    kind
//
//     kind 1, event                          kind 2, quarantined         kind 3, notification test
//     u8    name (ReplicationEvent.Name)     i64   receivedAt            i64   time
//     u8    which of the last five follow    i64   offset                text  queueURL
//     i64   eventTime                        text  queueURL              text  bucket
//     text  region                           text  messageID
//     text  requestID                        text  problem
//     text  sourceBucket                     blob  body
//     text  ruleID
//     text  destinationBucket
//     blob  key
//     text  versionID
//     i64   size         bit 0
//     text  eTag         bit 1
//     text  sequencer    bit 2
//     text  operation    bit 3
//     text  reason       bit 4
//
// Times are milliseconds since 1970 in UTC. Nothing follows the last field. There is one encoding of each payload,
// so equal payloads have equal bytes.

/// What one record of the write-ahead log holds.
package enum LogPayload: Hashable, Sendable {
    case event(ReplicationEvent)
    case quarantined(QuarantinedMessage)
    case notificationTest(NotificationTest)

    /// The newest layout that this program knows, and the one that it writes.
    package static let version: UInt8 = 1
}

private enum Kind: UInt8 {
    case event = 1
    case quarantined = 2
    case notificationTest = 3
}

extension LogPayload {
    package func encode() -> [UInt8] {
        var writer = PayloadWriter()
        writer.byte(Self.version)
        switch self {
        case .event(let event):
            writer.byte(Kind.event.rawValue)
            writer.event(event)
        case .quarantined(let message):
            writer.byte(Kind.quarantined.rawValue)
            writer.int64(message.receivedAt.milliseconds)
            writer.int64(Int64(message.offset))
            writer.text(message.queueURL)
            writer.text(message.messageID)
            writer.text(message.problem)
            writer.blob(message.body)
        case .notificationTest(let test):
            writer.byte(Kind.notificationTest.rawValue)
            writer.int64(test.time.milliseconds)
            writer.text(test.queueURL)
            writer.text(test.bucket)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(PayloadError) {
        var reader = PayloadReader(bytes)
        let version = try reader.byte("version")
        guard version <= Self.version else { throw .newerVersion(version) }
        guard version == Self.version else { throw .unknownValue("version", version) }
        let code = try reader.byte("kind")
        switch Kind(rawValue: code) {
        case .event: self = .event(try reader.event())
        case .quarantined: self = .quarantined(try reader.quarantined())
        case .notificationTest: self = .notificationTest(try reader.notificationTest())
        case nil: throw .unknownValue("kind", code)
        }
        try reader.finish()
    }
}

extension PayloadWriter {
    fileprivate mutating func event(_ event: ReplicationEvent) {
        byte(event.name.rawValue)
        let present = [
            event.size != nil, event.eTag != nil, event.sequencer != nil, event.operation != nil,
            event.reason != nil,
        ]
        byte(present.reversed().reduce(0) { $0 << 1 | ($1 ? 1 : 0) })
        int64(event.eventTime.milliseconds)
        text(event.region)
        text(event.requestID)
        text(event.sourceBucket)
        text(event.ruleID)
        text(event.destinationBucket)
        blob(event.key.bytes)
        text(event.versionID)
        if let size = event.size { int64(size) }
        if let eTag = event.eTag { text(eTag) }
        if let sequencer = event.sequencer { text(sequencer) }
        if let operation = event.operation { text(operation) }
        if let reason = event.reason { text(reason) }
    }
}

extension PayloadReader {
    fileprivate mutating func event() throws(PayloadError) -> ReplicationEvent {
        let code = try byte("event name")
        guard let name = ReplicationEvent.Name(rawValue: code) else {
            throw .unknownValue("event name", code)
        }
        let present = try byte("presence bits")
        guard present < 0b10_0000 else { throw .unknownValue("presence bits", present) }
        let eventTime = Timestamp(milliseconds: try int64("eventTime"))
        return ReplicationEvent(
            name: name,
            region: try text("region"),
            eventTime: eventTime,
            requestID: try text("requestID"),
            sourceBucket: try text("sourceBucket"),
            ruleID: try text("ruleID"),
            destinationBucket: try text("destinationBucket"),
            key: ObjectKey(bytes: try blob("key")),
            versionID: try text("versionID"),
            size: present & 0b00001 != 0 ? try int64("size") : nil,
            eTag: present & 0b00010 != 0 ? try text("eTag") : nil,
            sequencer: present & 0b00100 != 0 ? try text("sequencer") : nil,
            operation: present & 0b01000 != 0 ? try text("operation") : nil,
            reason: present & 0b10000 != 0 ? try text("reason") : nil)
    }

    fileprivate mutating func quarantined() throws(PayloadError) -> QuarantinedMessage {
        let receivedAt = Timestamp(milliseconds: try int64("receivedAt"))
        let offset = Int(try int64("offset"))
        return QuarantinedMessage(
            queueURL: try text("queueURL"), messageID: try text("messageID"),
            receivedAt: receivedAt, problem: try text("problem"), offset: offset,
            body: try blob("body"))
    }

    fileprivate mutating func notificationTest() throws(PayloadError) -> NotificationTest {
        let time = Timestamp(milliseconds: try int64("time"))
        return NotificationTest(
            queueURL: try text("queueURL"), bucket: try text("bucket"), time: time)
    }
}
