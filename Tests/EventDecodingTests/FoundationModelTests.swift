internal import Domain
import Foundation
internal import TestSupport
import Testing

@testable internal import EventDecoding

/// The members that are read, as Codable sees them.
private struct BodyModel: Decodable {
    struct Record: Decodable {
        struct Response: Decodable {
            let requestID: String?
            enum CodingKeys: String, CodingKey { case requestID = "x-amz-request-id" }
        }
        struct S3: Decodable {
            struct Bucket: Decodable { let name: String }
            struct Object: Decodable {
                let key: String
                let size: Int64?
                let eTag: String?
                let versionId: String?
                let sequencer: String?
            }
            let bucket: Bucket
            let object: Object
        }
        struct EventData: Decodable {
            let replicationRuleId: String?
            let replicationRule: String?
            let destinationBucket: String
            let s3Operation: String?
            let failureReason: String?
        }
        let eventName: String
        let awsRegion: String?
        let eventTime: String?
        let responseElements: Response?
        let s3: S3?
        let replicationEventData: EventData?
    }
    struct Detail: Decodable {
        struct Job: Decodable {
            let jobId: String
            let status: String
        }
        let eventName: String
        let serviceEventDetails: Job
    }
    enum CodingKeys: String, CodingKey {
        case records = "Records"
        case message = "Message"
        case bucket = "Bucket"
        case time = "Time"
        case detail
    }
    let records: [Record]?
    let message: String?
    let bucket: String?
    let time: String?
    let detail: Detail?
}

private func time(_ text: String) throws -> Timestamp {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    return Timestamp(
        milliseconds: Int64((try style.parse(text).timeIntervalSince1970 * 1000).rounded()))
}

private func model(_ body: Data) throws -> DecodedMessage {
    let read = try JSONDecoder().decode(BodyModel.self, from: body)
    if let inner = read.message { return try model(Data(inner.utf8)) }
    var message = DecodedMessage()
    if let bucket = read.bucket, let text = read.time {
        message.tests.append(S3TestEvent(bucket: bucket, time: try time(text)))
    }
    if let detail = read.detail {
        let job = detail.serviceEventDetails
        message.jobStatusChanges.append(JobStatusChange(jobID: job.jobId, status: job.status))
    }
    for record in read.records ?? [] {
        guard
            let name = ReplicationEvent.Name.allCases.first(where: { $0.text == record.eventName })
        else {
            message.foreign.append(record.eventName)
            continue
        }
        message.events.append(try event(name, record))
    }
    return message
}

private func event(
    _ name: ReplicationEvent.Name, _ record: BodyModel.Record
) throws -> ReplicationEvent {
    let s3 = try #require(record.s3)
    let data = try #require(record.replicationEventData)
    let spaced = s3.object.key.replacing("+", with: " ")
    return ReplicationEvent(
        name: name, region: record.awsRegion ?? "", eventTime: try time(#require(record.eventTime)),
        requestID: record.responseElements?.requestID ?? "", sourceBucket: s3.bucket.name,
        ruleID: try #require(data.replicationRuleId ?? data.replicationRule),
        destinationBucket: data.destinationBucket.components(separatedBy: ":").last ?? "",
        key: ObjectKey(try #require(spaced.removingPercentEncoding)),
        versionID: s3.object.versionId ?? "null", size: s3.object.size, eTag: s3.object.eTag,
        sequencer: s3.object.sequencer, operation: data.s3Operation, reason: data.failureReason)
}

/// Writes bodies of every form: members in any order, optional ones left out or null, others in between.
private struct BodyWriter {
    var generator: SeededGenerator

    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &generator) == 0 }

    mutating func text(_ longest: Int = 20) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 1...longest, using: &generator) {
            let high: UInt32 = chance(4) ? 0xD7FF : 0x7E
            text.unicodeScalars.append(
                Unicode.Scalar(UInt32.random(in: (chance(9) ? 1 : 0x20)...high, using: &generator))!
            )
        }
        return text
    }

    mutating func quoted(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || chance(12) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }

    mutating func object(_ members: [String: String], optional: [String: String] = [:]) -> String {
        var written = members.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
        for (name, value) in optional.sorted(by: { $0.key < $1.key }) where !chance(4) {
            written.append((name, chance(6) ? "null" : value))
        }
        if chance(2) { written.append(("x" + text(), chance(2) ? #"{"key":[1e9,{}]}"# : "[null]")) }
        written.shuffle(using: &generator)
        return "{" + written.map { quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }

    mutating func moment() -> String {
        let milliseconds = Int64.random(in: 0..<2_000_000_000_000, using: &generator)
        let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        return "\"" + date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            + "\""
    }

    mutating func record() -> String {
        if chance(6) {
            return object([
                "eventName": quoted("ObjectCreated:" + text()), "eventSource": #""aws:s3""#,
            ])
        }
        let name = ReplicationEvent.Name.allCases.randomElement(using: &generator)!.text
        let key = text(60).addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
            .replacing("%20", with: "+")
        let bucket = object(["name": quoted(text())])
        let stored = object(
            ["key": quoted(key)],
            optional: [
                "size": String(Int64.random(in: 0...1 << 50, using: &generator)),
                "eTag": quoted(text()), "versionId": quoted(text()), "sequencer": quoted(text()),
            ])
        let target = "bucket-\(Int.random(in: 0...99, using: &generator))"
        let data = object(
            [
                chance(3) ? "replicationRule" : "replicationRuleId": quoted(text()),
                "destinationBucket": quoted(chance(2) ? target : "arn:aws-cn:s3:::" + target),
            ], optional: ["s3Operation": quoted(text()), "failureReason": quoted(text())])
        return object(
            [
                "eventName": quoted(name), "eventTime": moment(), "eventSource": #""aws:s3""#,
                "s3": object(["bucket": bucket, "object": stored]), "replicationEventData": data,
            ],
            optional: [
                "eventVersion": #""2.2""#, "awsRegion": quoted(text()),
                "responseElements": object([:], optional: ["x-amz-request-id": quoted(text())]),
            ])
    }

    mutating func plain() -> String {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0:
            return object(["Event": #""s3:TestEvent""#, "Bucket": quoted(text()), "Time": moment()])
        case 1:
            let job = object(["jobId": quoted(text()), "status": quoted(text())])
            let detail = object(["eventName": #""JobStatusChanged""#, "serviceEventDetails": job])
            return object([
                "source": #""aws.s3""#, "detail-type": #""AWS Service Event via CloudTrail""#,
                "detail": detail,
            ])
        default:
            let records = (0..<Int.random(in: 1...3, using: &generator)).map { _ in record() }
            return object(["Records": "[" + records.joined(separator: ",") + "]"])
        }
    }

    mutating func body() -> String {
        guard chance(3) else { return plain() }
        let inner = plain()
        return object(["Type": #""Notification""#, "Message": quoted(inner)])
    }
}

@Test func `5,000 random bodies of every form are what Foundation's JSONDecoder makes of them`()
    throws
{
    var (cases, envelopes, total) = (0, 0, DecodedMessage())
    for seed in 0..<5000 as Range<UInt64> {
        var writer = BodyWriter(generator: SeededGenerator(seed: seed))
        let body = writer.body()
        let message = decodeMessage(Array(body.utf8))
        #expect(message == (try model(Data(body.utf8))), "seed \(seed): \(body)")
        if body.contains("Notification") { envelopes += 1 }
        total.events += message.events
        total.tests += message.tests
        total.jobStatusChanges += message.jobStatusChanges
        total.foreign += message.foreign
        cases += 1
    }
    print(
        "cases \(cases), seeds 0..<\(cases): \(total.events.count) events, \(total.foreign.count) foreign, "
            + "\(total.tests.count) tests, \(total.jobStatusChanges.count) jobs, \(envelopes) envelopes"
    )
    #expect(total.events.count > 4000)
    #expect(
        total.tests.count > 200 && total.jobStatusChanges.count > 200 && total.foreign.count > 200)
}
