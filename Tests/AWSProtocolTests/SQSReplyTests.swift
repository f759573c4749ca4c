internal import AWSProtocol
internal import Domain
internal import Testing

/// A message as the Amazon SQS API Reference shows it, its body with every kind of escape.
private let receiveReply =
    #"{"Messages":[{"Attributes":{"SenderId":"AIDASSYFHUBOBT7F4XT75","ApproximateFirstReceiveTimestamp":"1677112433437","#
    + #""ApproximateReceiveCount":"1","SentTimestamp":"1677112427387"},"Body":"{\"Records\":[]}\n\u00e9\ud83d\ude00\u0000é","#
    + #""MD5OfBody":"fafb00f5732ab283681e124bf8747ed1","MessageId":"219f8380-5770-4cc2-8c3e-5c715e145f5e","#
    + #""ReceiptHandle":"AQEBaZ+j5qUoOAoxlmrCQPkBm9njMWXqemmIG6shMHCO6fV20JrQYg/AiZ8JELwLwOu5U61W+aIX5Qzu7GGofxJuvzymr4Ph53="},"#
    + #"{"MessageId":"m2","ReceiptHandle":"h2","Body":""}]}"#

private func error<Value>(_ read: () throws(AWSReplyError) -> Value) -> AWSReplyError? {
    do throws(AWSReplyError) {
        _ = try read()
        return nil
    } catch {
        return error
    }
}

@Test func `received messages carry the exact bytes of their bodies`() throws {
    let messages = try SQSReply.parseReceive(Array(receiveReply.utf8))
    #expect(messages.count == 2)
    #expect(messages[0].messageID == "219f8380-5770-4cc2-8c3e-5c715e145f5e")
    #expect(messages[0].receiptHandle.hasPrefix("AQEBaZ+j5q"))
    #expect(messages[0].body == Array("{\"Records\":[]}\né😀\u{0}é".utf8))
    #expect(messages[0].sentAt == Timestamp(milliseconds: 1_677_112_427_387))
    #expect(messages[0].receiveCount == 1)
    #expect(messages[1] == ReceivedMessage(messageID: "m2", receiptHandle: "h2", body: []))
}

@Test func `an empty receive has no messages`() throws {
    for reply in ["{}", #"{"Messages":[]}"#, #"{"Messages":null}"#, #"{"Other":[{}]}"#] {
        #expect(try SQSReply.parseReceive(Array(reply.utf8)).isEmpty, "\(reply)")
    }
}

@Test func `attributes of a message that are no numbers are left out`() throws {
    let reply =
        #"{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"b","Attributes":{"SentTimestamp":"soon","#
        + #""ApproximateReceiveCount":1}}]}"#
    let message = try #require(try SQSReply.parseReceive(Array(reply.utf8)).first)
    #expect(message.sentAt == nil)
    #expect(message.receiveCount == nil)
}

@Test func `a reply cut at any length is refused`() {
    let replies: [(String, ([UInt8]) -> AWSReplyError?)] = [
        (
            receiveReply,
            { reply in error { () throws(AWSReplyError) in try SQSReply.parseReceive(reply) } }
        ),
        (
            #"{"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","SenderFault":true,"Code":"C"}]}"#,
            { reply in error { () throws(AWSReplyError) in try SQSReply.parseBatch(reply) } }
        ),
        (
            #"{"Attributes":{"QueueArn":"a","VisibilityTimeout":"30"}}"#,
            { reply in error { () throws(AWSReplyError) in try SQSReply.parseAttributes(reply) } }
        ),
        (
            #"{"QueueUrl":"https://q"}"#,
            { reply in error { () throws(AWSReplyError) in try SQSReply.parseQueueURL(reply) } }
        ),
    ]
    var cuts = 0
    for (reply, parse) in replies {
        let bytes = Array(reply.utf8)
        #expect(parse(bytes) == nil)
        for length in 0..<bytes.count {
            guard case .invalidJSON = parse(Array(bytes[..<length])) else {
                Issue.record("\(length) bytes of \(reply)")
                continue
            }
            cuts += 1
        }
    }
    print("cut replies: \(cuts)")
}

@Test func `messages without ID, handle or body are refused by the member's name`() {
    let cases: [(String, String)] = [
        (#"{"Messages":[{"ReceiptHandle":"h","Body":"b"}]}"#, "Messages.MessageId"),
        (#"{"Messages":[{"MessageId":"m","Body":"b"}]}"#, "Messages.ReceiptHandle"),
        (#"{"Messages":[{"MessageId":"","ReceiptHandle":"h","Body":"b"}]}"#, "Messages.MessageId"),
        (
            #"{"Messages":[{"MessageId":"m","ReceiptHandle":"","Body":"b"}]}"#,
            "Messages.ReceiptHandle"
        ),
        (#"{"Messages":[{"MessageId":"m","ReceiptHandle":"h"}]}"#, "Messages.Body"),
        (#"{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":{}}]}"#, "Messages.Body"),
        (#"{"Messages":[{"MessageId":1,"ReceiptHandle":"h","Body":"b"}]}"#, "Messages.MessageId"),
        (
            #"{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"b","Body":"c"}]}"#,
            "Messages.Body"
        ),
        (#"{"Messages":[7]}"#, "Messages.Body"),
        (#"{"Messages":{}}"#, "Messages"),
        (#"{"Messages":[],"Messages":[]}"#, "Messages"),
    ]
    for (reply, member) in cases {
        let error = error { () throws(AWSReplyError) in
            try SQSReply.parseReceive(Array(reply.utf8))
        }
        #expect(
            error?.sentence.hasPrefix(
                "AWS's reply to ReceiveMessage has no usable \(member) at byte")
                == true, "\(reply): \(error?.sentence ?? "accepted")")
    }
    print("unusable receives: \(cases.count)")
    let broken = error { () throws(AWSReplyError) in try SQSReply.parseReceive(Array("<html>".utf8))
    }
    #expect(
        broken?.sentence
            == "AWS's reply to ReceiveMessage is not valid JSON: expected an object, found `<` at byte 0."
    )
}

@Test func `a batch tells what succeeded and what failed`() throws {
    let reply =
        #"{"Failed":[{"Id":"b","SenderFault":true,"Code":"ReceiptHandleIsInvalid","Message":"no \"x\""},"#
        + #"{"Id":"c","SenderFault":false,"Code":"InternalError"}],"Successful":[{"Id":"a"},{"Id":"d"}]}"#
    let outcome = try SQSReply.parseBatch(Array(reply.utf8))
    #expect(outcome.succeeded == ["a", "d"])
    #expect(outcome.failed.map(\.id) == ["b", "c"])
    #expect(outcome.failed.map(\.code) == ["ReceiptHandleIsInvalid", "InternalError"])
    #expect(outcome.failed.map(\.senderFault) == [true, false])
    #expect(outcome.failed.map(\.message) == [#"no "x""#, ""])
    let empty = try SQSReply.parseBatch(Array("{}".utf8))
    #expect(empty.succeeded.isEmpty && empty.failed.isEmpty)
    for reply in [
        #"{"Successful":[{}]}"#, #"{"Successful":{}}"#, #"{"Failed":[{"Id":"a","Code":"C"}]}"#,
        #"{"Failed":[{"Id":"a","SenderFault":"true","Code":"C"}]}"#,
        #"{"Failed":[{"Id":"a","SenderFault":true}]}"#,
    ] {
        let error = error { () throws(AWSReplyError) in try SQSReply.parseBatch(Array(reply.utf8)) }
        #expect(error != nil, "\(reply)")
    }
}

@Test func `attributes are read by name`() throws {
    let reply =
        #"{"Attributes":{"VisibilityTimeout":"30","RedrivePolicy":"{\"maxReceiveCount\":5}","Ou\u0074":"x"}}"#
    #expect(
        try SQSReply.parseAttributes(Array(reply.utf8)) == [
            "VisibilityTimeout": "30", "RedrivePolicy": #"{"maxReceiveCount":5}"#, "Out": "x",
        ])
    #expect(try SQSReply.parseAttributes(Array("{}".utf8)).isEmpty)
    for reply in [
        #"{"Attributes":[]}"#, #"{"Attributes":{"a":1}}"#, #"{"Attributes":{"a":"1","a":"2"}}"#,
    ] {
        let error = error { () throws(AWSReplyError) in
            try SQSReply.parseAttributes(Array(reply.utf8))
        }
        #expect(error != nil, "\(reply)")
    }
}

@Test func `an error's code stands behind the number sign`() throws {
    let reply =
        #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#
    let error = try #require(SQSReply.parseError(Array(reply.utf8)))
    #expect(error.code == "QueueDoesNotExist")
    #expect(error.message == "The specified queue does not exist.")
    let bare = try #require(
        SQSReply.parseError(Array(#"{"__type":"ThrottlingException","Message":"slow"}"#.utf8)))
    #expect(bare.code == "ThrottlingException")
    #expect(bare.message == "slow")
    let long = String(repeating: "x", count: 5000)
    let shortened = try #require(
        SQSReply.parseError(Array(#"{"__type":"a#\#(long)","message":"\#(long)"}"#.utf8)))
    #expect(shortened.code.utf8.count == 1024 && shortened.message.utf8.count == 1024)
    for body in ["", "{}", "<Error/>", #"{"__type":7}"#, ##"{"__type":"#"}"##, #"{"message":"m"}"#]
    {
        #expect(SQSReply.parseError(Array(body.utf8)) == nil, "\(body)")
    }
}
