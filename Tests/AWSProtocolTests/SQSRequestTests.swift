internal import AWSProtocol
internal import JSONScanning
internal import Testing

private let queueURL = "https://sqs.eu-west-1.amazonaws.com/111122223333/q"

private func text(_ request: SQSRequest) -> String {
    String(decoding: request.body, as: UTF8.self)
}

@Test func `requests have SQS's targets and members`() {
    let entries = [
        SQSBatchEntry(id: "0", receiptHandle: "AQ+/="), SQSBatchEntry(id: "1", receiptHandle: "B"),
    ]
    let cases: [(SQSRequest, String, String)] = [
        (
            .receiveMessage(
                queueURL: queueURL, maximumMessages: 10, waitSeconds: 20,
                visibilityTimeoutSeconds: nil),
            "AmazonSQS.ReceiveMessage",
            #"{"QueueUrl":"\#(queueURL)","MaxNumberOfMessages":10,"WaitTimeSeconds":20,"#
                + #""MessageSystemAttributeNames":["All"]}"#
        ),
        (
            .receiveMessage(
                queueURL: queueURL, maximumMessages: 1, waitSeconds: 0, visibilityTimeoutSeconds: 60
            ),
            "AmazonSQS.ReceiveMessage",
            #"{"QueueUrl":"\#(queueURL)","MaxNumberOfMessages":1,"WaitTimeSeconds":0,"#
                + #""MessageSystemAttributeNames":["All"],"VisibilityTimeout":60}"#
        ),
        (
            .deleteMessageBatch(queueURL: queueURL, entries: entries),
            "AmazonSQS.DeleteMessageBatch",
            #"{"QueueUrl":"\#(queueURL)","Entries":[{"Id":"0","ReceiptHandle":"AQ+/="},"#
                + #"{"Id":"1","ReceiptHandle":"B"}]}"#
        ),
        (
            .changeMessageVisibilityBatch(
                queueURL: queueURL, entries: entries, visibilityTimeoutSeconds: 0),
            "AmazonSQS.ChangeMessageVisibilityBatch",
            #"{"QueueUrl":"\#(queueURL)","Entries":[{"Id":"0","ReceiptHandle":"AQ+/=","#
                + #""VisibilityTimeout":0},{"Id":"1","ReceiptHandle":"B","VisibilityTimeout":0}]}"#
        ),
        (
            .getQueueAttributes(queueURL: queueURL), "AmazonSQS.GetQueueAttributes",
            #"{"QueueUrl":"\#(queueURL)","AttributeNames":["All"]}"#
        ),
        (
            .getQueueURL(queueName: "q", ownerAccountID: nil), "AmazonSQS.GetQueueUrl",
            #"{"QueueName":"q"}"#
        ),
        (
            .getQueueURL(queueName: "q", ownerAccountID: "111122223333"), "AmazonSQS.GetQueueUrl",
            #"{"QueueName":"q","QueueOwnerAWSAccountId":"111122223333"}"#
        ),
    ]
    for (request, target, body) in cases {
        #expect(request.target == target)
        #expect(text(request) == body)
    }
    print("requests: \(cases.count)")
}

@Test func `any string comes back from a request's body`() throws {
    var strings = (0...0x2FF).compactMap { Unicode.Scalar($0 as UInt32).map(String.init) }
    strings += [
        "", #"\""#, #"\u0041"#, "\"}],", "a\"b\\c/d", "\u{2028}\u{2029}\u{FEFF}", "😀\u{10FFFF}",
        "\u{0}\u{0}", String(repeating: "\u{1F}\"", count: 500),
    ]
    for string in strings {
        let body = SQSRequest.getQueueURL(queueName: string, ownerAccountID: nil).body
        var scanner = JSONScanner(body)
        var name = JSONField()
        try scanner.beginObject()
        while try scanner.nextMember() != nil { try scanner.read(into: &name) }
        try scanner.finish()
        #expect(scanner.contents(try #require(name.value)) == Array(string.utf8))
    }
    print("strings: \(strings.count)")
}
