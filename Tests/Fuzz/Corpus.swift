import Foundation

/// Writes the first inputs that libFuzzer varies: the samples of EventDecodingTests, or replies of SQS.
@main
struct Corpus {
    static let events = [
        body(awsRecord), body([]), body(awsRecord, awsRecord), envelope(body(awsRecord)),
        body(record("OperationFailedReplication", "OperationMissedThreshold")),
        body(record("Replication:OperationFailedReplication", "ObjectCreated:Put")),
        body(record("replication-object-put-test.png", #"a+b%2F\u00e9\ud83d\ude00.png"#)),
        Array(testEvent.utf8), Array(jobEvent().utf8), envelope(Array(jobEvent().utf8)),
    ]

    static let replies = [
        #"{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"b","Attributes":"#
            + #"{"SentTimestamp":"1677112433437","ApproximateReceiveCount":"1"}}]}"#,
        #"{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"","#
            + #""MD5OfBody":"d41d8cd98f00b204e9800998ecf8427e"}]}"#,
        #"{"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","Code":"c","SenderFault":true,"Message":"m"}]}"#,
        #"{"Attributes":{"ApproximateNumberOfMessages":"1","RedrivePolicy":"{\"maxReceiveCount\":5}"}}"#,
        #"{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/111122223333/q"}"#,
        #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}"#,
    ].map { Array($0.utf8) }

    static func main() throws {
        let folder = URL(fileURLWithPath: CommandLine.arguments[2], isDirectory: true)
        let inputs = CommandLine.arguments[1] == "events" ? events : replies
        for (index, input) in inputs.enumerated() {
            try Data(input).write(to: folder.appendingPathComponent("sample-\(index)"))
        }
    }
}
