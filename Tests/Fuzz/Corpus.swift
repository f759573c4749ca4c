import Foundation

/// Writes the samples of EventDecodingTests as the first bodies that libFuzzer varies.
@main
struct Corpus {
    static func main() throws {
        let bodies = [
            body(awsRecord), body([]), body(awsRecord, awsRecord), envelope(body(awsRecord)),
            body(record("OperationFailedReplication", "OperationMissedThreshold")),
            body(record("Replication:OperationFailedReplication", "ObjectCreated:Put")),
            body(record("replication-object-put-test.png", #"a+b%2F\u00e9\ud83d\ude00.png"#)),
            Array(testEvent.utf8), Array(jobEvent().utf8), envelope(Array(jobEvent().utf8)),
        ]
        let folder = URL(fileURLWithPath: CommandLine.arguments[1], isDirectory: true)
        for (index, body) in bodies.enumerated() {
            try Data(body).write(to: folder.appendingPathComponent("sample-\(index)"))
        }
    }
}
