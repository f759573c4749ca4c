internal import Domain
internal import EventDecoding
internal import Testing

@Test func `AWS's own example is decoded in full`() {
    let message = decodeMessage(body(awsRecord))
    #expect(message.events == [awsEvent])
    #expect(message.problem == nil)
    #expect(message.foreign.isEmpty && message.tests.isEmpty && message.jobStatusChanges.isEmpty)
}

@Test func `an SNS envelope is opened once`() {
    #expect(decodeMessage(envelope(body(awsRecord))) == decodeMessage(body(awsRecord)))
    #expect(
        decodeMessage(envelope(Array(testEvent.utf8))) == decodeMessage(Array(testEvent.utf8)))

    let twice = decodeMessage(envelope(envelope(body(awsRecord))))
    #expect(twice.events.isEmpty)
    #expect(
        twice.problem?.sentence
            == #"In the SNS envelope's Message (offsets count inside it): Type is "Notification" at byte 9: "#
            + "expected no SNS envelope inside another one.")
}

@Test func `a problem inside an SNS envelope leaves the good records of it`() throws {
    let message = decodeMessage(envelope(body(awsRecord, "7", awsRecord)))
    #expect(message.events == [awsEvent, awsEvent])
    let problem = try #require(message.problem)
    #expect(problem.sentence.contains("In the SNS envelope's Message (offsets count inside it): "))
    #expect(problem.offset == 12 + awsRecord.utf8.count + 1)
}

@Test func `a subscription's confirmation is a problem that says who confirms`() throws {
    for type in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        let problem = try #require(decodeMessage(envelope(body(awsRecord), type: type)).problem)
        #expect(problem.sentence.contains("Type is \"\(type)\" at byte 9"))
        #expect(problem.sentence.contains("no URL of a message is ever fetched"))
    }
}

@Test func `the test event of S3 names its bucket and time`() throws {
    let message = decodeMessage(Array(testEvent.utf8))
    #expect(message.problem == nil)
    let test = try #require(message.tests.first)
    #expect(test.bucket == "amzn-s3-demo-bucket")
    #expect(test.time.description == "2014-10-13T15:57:02.089Z")

    let withoutTime = decodeMessage(Array(#"{"Event":"s3:TestEvent","Bucket":"b"}"#.utf8))
    #expect(withoutTime.tests.isEmpty)
    #expect(
        withoutTime.problem?.sentence.hasPrefix("Time is missing in the object at byte 0") == true)
}

@Test func `job events of EventBridge tell job and status`() throws {
    for name in ["JobStatusChanged", "JobCreated"] {
        let message = decodeMessage(Array(jobEvent(name: name).utf8))
        #expect(message.problem == nil)
        let change = try #require(message.jobStatusChanges.first)
        #expect(change.jobID == "d6e58ec4-897a-4b6d-975f-10d7f0fb63ce")
        #expect(change.status == "Complete")
    }
    #expect(decodeMessage(Array(jobEvent(name: "Other").utf8)).foreign == ["Other"])
    let otherService = decodeMessage(Array(jobEvent(source: "aws.ec2").utf8))
    #expect(
        otherService.problem?.sentence == #"source is "aws.ec2" at byte 118: expected "aws.s3"."#)
    let objectEvent = #"{"detail-type":"Object Created","source":"aws.s3","detail":{}}"#
    #expect(decodeMessage(Array(objectEvent.utf8)).foreign == ["Object Created"])
    let withoutDetail =
        #"{"detail-type":"AWS Service Event via CloudTrail","source":"aws.s3","detail":[1]}"#
    #expect(
        decodeMessage(Array(withoutDetail.utf8)).problem?.sentence
            == "detail is an array at byte 77: expected an object.")
}

@Test func `other S3 events are foreign and cost their neighbours nothing`() {
    let created = record("Replication:OperationFailedReplication", "ObjectCreated:Put")
    let message = decodeMessage(body(created, awsRecord, created))
    #expect(message.events == [awsEvent])
    #expect(message.foreign == ["ObjectCreated:Put", "ObjectCreated:Put"])
    #expect(message.problem == nil)
}

@Test func `what has no known form is a problem that shows it`() {
    let cases: [(String, String, Int)] = [
        (#"{"hello":1}"#, #"The message "{"hello":1}" has no known form"#, 0),
        ("{}", #"The message "{}" has no known form"#, 0),
        ("  [1]", #"The message "  [1]" has no known form"#, 2),
        (#""text""#, #"The message ""text"" has no known form"#, 1),
        ("hello", "The message is not valid JSON: expected a value, found `h` at byte 0.", 0),
        ("", "The message is not valid JSON: the JSON ends inside a value at byte 0.", 0),
        (#"{"Records":{}}"#, "Records is an object at byte 11: expected an array.", 11),
        (#"{"Records":null}"#, "Records is null at byte 11: expected an array.", 11),
        (#"{"Records":[]}"#, "Records is an array at byte 11: expected at least one record.", 11),
        (#"{"Records":[7]}"#, "Records[0] is 7 at byte 12: expected an object.", 12),
        (
            #"{"Event":"s3:Other"}"#, #"Event is "s3:Other" at byte 10: expected "s3:TestEvent"."#,
            10
        ),
        (#"{"Type":1}"#, "Type is 1 at byte 8: expected a string.", 8),
        (#"{"Type":"Notification"}"#, "Message is missing in the object at byte 0", 0),
        (#"{"Type":"Notification","Message":{}}"#, "Message is an object at byte 33", 33),
    ]
    for (text, sentence, offset) in cases {
        let message = decodeMessage(Array(text.utf8))
        #expect(message.events.isEmpty && message.foreign.isEmpty, "\(text)")
        #expect(
            message.problem?.sentence.hasPrefix(sentence) == true,
            "\(text): \(message.problem?.sentence ?? "no problem")")
        #expect(message.problem?.offset == offset, "\(text)")
    }
    print("forms that are none: \(cases.count)")
}

@Test func `members come in any order, and those unknown are passed`() {
    let text = #"{"x":[{"Records":[1]}],"Records":[\#(awsRecord)],"Type":"Notification","y":{}}"#
    #expect(decodeMessage(Array(text.utf8)).events == [awsEvent])
    let reversed =
        #"{"replicationEventData":{"destinationBucket":"b2","replicationRuleId":"r"},"s3":{"object":{"key":"k"},"#
        + #""bucket":{"name":"b"}},"eventName":"Replication:OperationNotTracked","eventTime":"2024-09-05T21:04:32Z"}"#
    let message = decodeMessage(body(reversed))
    #expect(message.problem == nil)
    #expect(
        message.events == [
            ReplicationEvent(
                name: .notTracked, region: "",
                eventTime: Timestamp(milliseconds: 1_725_570_272_000), requestID: "",
                sourceBucket: "b", ruleID: "r", destinationBucket: "b2", key: ObjectKey("k"),
                versionID: "null")
        ])
}
