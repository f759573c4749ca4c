internal import AWSClient
internal import AWSProtocol
internal import HTTPTransport
internal import Testing

@Test func `messages are received at the queue's own host with SQS's headers`() async throws {
    let bench = try Bench([
        .reply(
            200,
            body: #"{"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":"{}"}]}"#)
    ])
    let messages = try await SQSClient(bench.caller, queueURL: "http://127.0.0.1:4566/1/q")
        .receive(maximumMessages: 10, waitSeconds: 20, visibilityTimeoutSeconds: 60)
    #expect(messages.map(\.messageID) == ["m"])
    let request = try #require(bench.exchange.requests.first)
    #expect(request.url == "http://127.0.0.1:4566/")
    #expect(request.header("x-amz-target") == "AmazonSQS.ReceiveMessage")
    #expect(request.header("content-type") == "application/x-amz-json-1.0")
    #expect(request.header("x-amz-content-sha256") == nil)
    #expect(request.deadline == .seconds(25))
}

@Test func `an error of SQS is read from its JSON`() async throws {
    let body = ##"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}"##
    let bench = try Bench([.reply(400, body: body)])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await SQSClient(
            bench.caller, queueURL: "https://sqs.eu-west-1.amazonaws.com/111122223333/q"
        ).deleteBatch([SQSBatchEntry(id: "0", receiptHandle: "r")])
    }
    let expected = "SQS DeleteMessageBatch: 400 QueueDoesNotExist: no such queue"
    #expect(failure?.description == expected)
    #expect(bench.exchange.requests.map(\.url) == ["https://sqs.eu-west-1.amazonaws.com/"])
}

@Test func `a page of a proxy instead of a reply is named`() async throws {
    let bench = try Bench([.reply(200, body: "<html>sign in</html>")])
    let failure = await bench.failure { () throws(AWSFailure) in
        try await SQSClient(bench.caller, queueURL: "http://h/q").queueAttributes()
    }
    #expect(failure?.description.hasPrefix("GetQueueAttributes: unreadable reply: ") == true)
    #expect(bench.exchange.requests.count == 1)
}
