import ArgumentParser
import Domain
import EventDecoding
import Foundation

/// Message bodies of one failure each, decoded one after the other, beside Foundation's JSONDecoder.
struct DecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode", abstract: "Decodes message bodies that hold one record each.")

    enum Subject: String, ExpressibleByArgument {
        case s3remedy
        /// The same fields through Codable.
        case foundation
    }

    @Argument var subject: Subject
    @Option(help: "Bodies to decode.") var records = 200_000

    func run() throws {
        let events = BenchEvents(order: .time, total: 1000, since: 1_790_000_000_000, phase: 0)
        let bodies = (0..<1000).map { Array(events.body($0).utf8) }
        let decoder = JSONDecoder()
        var decoded = 0
        let measurement = Measurement()
        for number in 0..<records {
            let body = bodies[number % bodies.count]
            switch subject {
            case .s3remedy: decoded += decodeMessage(body).events.count
            case .foundation:
                decoded += try decoder.decode(PlainMessage.self, from: Data(body)).records.count
            }
        }
        let result = measurement.result(records: records)
        guard decoded == records else { throw ValidationError("\(decoded) of \(records) decoded") }
        try printJSON(result)
    }
}

/// What a consumer reads of a message, by the names of its members.
private struct PlainMessage: Decodable {
    struct Record: Decodable {
        struct Place: Decodable {
            struct Bucket: Decodable { var name: String }
            struct Object: Decodable {
                var key: String
                var size: Int64?
                var eTag: String?
                var versionId: String?
                var sequencer: String?
            }
            var bucket: Bucket
            var object: Object
        }
        struct Replication: Decodable {
            var replicationRuleId: String
            var destinationBucket: String
            var s3Operation: String?
            var failureReason: String?
        }
        var awsRegion: String
        var eventTime: String
        var eventName: String
        var s3: Place
        var replicationEventData: Replication
    }
    var records: [Record]

    enum CodingKeys: String, CodingKey { case records = "Records" }
}

extension BenchEvents {
    /// The event as a message's body, about 1.2 KB: what sqs_messages.lua sends.
    func body(_ number: Int) -> String {
        let event = event(number)
        return """
            {"Records":[{"eventVersion":"2.6","eventSource":"aws:s3","awsRegion":"\(event.region)",\
            "eventTime":"\(event.eventTime)","eventName":"Replication:OperationFailedReplication",\
            "userIdentity":{"principalId":"s3.amazonaws.com"},"requestParameters":{"sourceIPAddress":\
            "s3.amazonaws.com"},"responseElements":{"x-amz-request-id":"\(event.requestID)","x-amz-id-2":\
            "\(event.requestID)\(event.requestID)"},"s3":{"s3SchemaVersion":"1.0","configurationId":\
            "replication-failures-to-sqs","bucket":{"name":"\(event.sourceBucket)","ownerIdentity":\
            {"principalId":"A1B2C3D4E5F6G7"},"arn":"arn:aws:s3:::\(event.sourceBucket)"},"object":{"key":\
            "\(event.key.text.replacingOccurrences(of: "=", with: "%3D"))","size":\(event.size ?? 0),\
            "eTag":"\(event.eTag ?? "")","versionId":"\(event.versionID)","sequencer":\
            "\(event.sequencer ?? "")"}},"replicationEventData":{"replicationRuleId":"\(event.ruleID)",\
            "destinationBucket":"arn:aws:s3:::\(event.destinationBucket)","s3Operation":"OBJECT_PUT",\
            "requestTime":"\(event.eventTime)","failureReason":"\(event.reason ?? "")"}}]}
            """
    }
}
