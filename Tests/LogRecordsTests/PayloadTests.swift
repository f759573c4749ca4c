internal import Domain
internal import LogRecords
internal import TestSupport
import Testing

private struct PayloadGenerator {
    var generator: SeededGenerator

    mutating func bytes(upTo limit: Int) -> [UInt8] {
        (0..<Int.random(in: 0...limit, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
    }

    mutating func text(upTo limit: Int) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...limit, using: &generator) {
            let value =
                UInt32.random(in: 0...0x10FFFF, using: &generator)
                >> UInt32.random(in: 0...16, using: &generator)
            text.unicodeScalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
        }
        return text
    }

    mutating func optionalText() -> String? {
        Bool.random(using: &generator) ? text(upTo: 20) : nil
    }

    mutating func timestamp() -> Timestamp {
        Timestamp(
            milliseconds: Int64.random(in: .min ... .max, using: &generator)
                >> Int64.random(in: 0..<63, using: &generator))
    }

    mutating func payload() -> LogPayload {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0:
            .quarantined(
                QuarantinedMessage(
                    queueURL: text(upTo: 100), messageID: text(upTo: 40), receivedAt: timestamp(),
                    problem: text(upTo: 200),
                    offset: Int.random(in: 0...1_000_000, using: &generator),
                    body: bytes(upTo: 3000)))
        case 1:
            .notificationTest(
                NotificationTest(
                    queueURL: text(upTo: 100), bucket: text(upTo: 63), time: timestamp()))
        default:
            .event(
                ReplicationEvent(
                    name: ReplicationEvent.Name.allCases.randomElement(using: &generator)!,
                    region: text(upTo: 15), eventTime: timestamp(), requestID: text(upTo: 36),
                    sourceBucket: text(upTo: 63), ruleID: text(upTo: 255),
                    destinationBucket: text(upTo: 63), key: ObjectKey(bytes: bytes(upTo: 1024)),
                    versionID: text(upTo: 32),
                    size: Bool.random(using: &generator)
                        ? Int64.random(in: .min ... .max, using: &generator) : nil,
                    eTag: optionalText(), sequencer: optionalText(), operation: optionalText(),
                    reason: optionalText()))
        }
    }
}

private func failure(_ bytes: [UInt8]) -> PayloadError? {
    do throws(PayloadError) {
        _ = try LogPayload(decoding: bytes)
        return nil
    } catch {
        return error
    }
}

@Test func `random payloads come back as they went`() throws {
    let count = 20_000
    var payloads = PayloadGenerator(generator: SeededGenerator(seed: 1))
    var bytes = 0
    for round in 0..<count {
        let payload = payloads.payload()
        let encoded = payload.encode()
        bytes += encoded.count
        let decoded = try LogPayload(decoding: encoded)
        #expect(decoded == payload, "round \(round)")
        // Swift calls canonically equivalent strings equal: the bytes must be the same too.
        #expect(decoded.encode() == encoded, "round \(round)")
    }
    print("random payloads: \(count), \(bytes) bytes")
}

@Test func `a payload cut at any length, or with bytes behind it, is refused`() {
    var payloads = PayloadGenerator(generator: SeededGenerator(seed: 2))
    var cuts = 0
    for _ in 0..<60 {
        let encoded = payloads.payload().encode()
        for length in 0..<encoded.count {
            guard case .truncated = failure(Array(encoded[..<length])) else {
                Issue.record(
                    "\(length) of \(encoded.count) bytes: \(failure(Array(encoded[..<length])).debugDescription)"
                )
                continue
            }
            cuts += 1
        }
        #expect(
            failure(encoded + [0, 1]) == .trailingBytes(offset: encoded.count, count: 2))
    }
    print("cut payloads: \(cuts)")
    #expect(cuts > 10_000)
}

@Test func `flipped bytes never crash, and what is accepted has one encoding`() throws {
    var payloads = PayloadGenerator(generator: SeededGenerator(seed: 3))
    var refused = 0
    let count = 50_000
    var encoded: [UInt8] = []
    for round in 0..<count {
        if round % 50 == 0 { encoded = payloads.payload().encode() }
        var damaged = encoded
        for _ in 0...Int.random(in: 0..<3, using: &payloads.generator) {
            let index = Int.random(in: 0..<min(damaged.count, 200), using: &payloads.generator)
            damaged[index] = UInt8.random(in: 0...255, using: &payloads.generator)
        }
        if failure(damaged) == nil {
            #expect(try LogPayload(decoding: damaged).encode() == damaged, "round \(round)")
        } else {
            refused += 1
        }
    }
    print("damaged payloads: \(count), refused \(refused)")
    #expect(refused > 10_000)
}

@Test func `a length beyond the payload is refused before memory is taken`() {
    let head: [UInt8] = [1, 3] + [UInt8](repeating: 0, count: 8)
    #expect(failure(head + [0xFF, 0xFF, 0xFF, 0x7F]) == .truncated(field: "queueURL", offset: 14))
    #expect(
        failure(head + [0xFF, 0xFF, 0xFF, 0xFF, 0x01])
            == .invalidLength(field: "queueURL", offset: 10))
    #expect(failure(head + [0x80, 0x00, 0x00]) == .invalidLength(field: "queueURL", offset: 10))
    #expect(failure(head + [0x01, 0xFF, 0x00]) == .notUTF8(field: "queueURL", offset: 11))
}

@Test func `newer versions and unknown codes are refused by name`() {
    #expect(failure([2, 1]) == .newerVersion(2))
    #expect(failure([0, 1]) == .unknownValue("version", 0))
    #expect(failure([1, 9]) == .unknownValue("kind", 9))
    #expect(failure([1, 1, 5]) == .unknownValue("event name", 5))
    #expect(failure([1, 1, 1, 0x20]) == .unknownValue("presence bits", 0x20))
    #expect(
        PayloadError.newerVersion(2).description
            == "The log record has version 2, this program knows versions up to 1: "
            + "start the newer s3remedyd that wrote it.")
}
