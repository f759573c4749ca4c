internal import Domain
internal import EventDecoding
internal import Testing

/// What is replaced in AWS's example, by what, and how the sentence begins (behind `Records[0].`).
private let problems: [(old: String, new: String, sentence: String)] = [
    (#""name":"amzn-s3-demo-bucket1","#, "", "s3.bucket.name is missing in the object at byte 12"),
    (#""name":"amzn-s3-demo-bucket1""#, #""name":"""#, #"s3.bucket.name is "" at byte"#),
    (#""name":"amzn-s3-demo-bucket1""#, #""name":null"#, "s3.bucket.name is null at byte"),
    (#""name":"amzn-s3-demo-bucket1""#, #""name":["a"]"#, "s3.bucket.name is an array at byte"),
    (
        #""name":"amzn-s3-demo-bucket1""#,
        "\"name\":\"" + String(repeating: "b", count: 256) + "\"",
        "s3.bucket.name is \"" + String(repeating: "b", count: 80) + "…\" at byte"
    ),
    (
        #""replicationRuleId":"notification-test-replication-rule","#, "",
        "replicationEventData.replicationRuleId is missing"
    ),
    ("notification-test-replication-rule", "", #"replicationEventData.replicationRuleId is """#),
    (
        "notification-test-replication-rule", String(repeating: "é", count: 256),
        "replicationEventData.replicationRuleId is \""
    ),
    (
        #""destinationBucket":"arn:aws:s3:::amzn-s3-demo-bucket2","#, "",
        "replicationEventData.destinationBucket is missing"
    ),
    (
        "arn:aws:s3:::amzn-s3-demo-bucket2", "arn:aws:sqs:eu-west-1:1:q",
        #"replicationEventData.destinationBucket is "arn:aws:sqs:eu-west-1:1:q" at byte"#
    ),
    (
        "arn:aws:s3:::amzn-s3-demo-bucket2", "arn:aws:s3:::",
        #"replicationEventData.destinationBucket is "arn:aws:s3:::" at byte"#
    ),
    (
        "arn:aws:s3:::amzn-s3-demo-bucket2", "arn:aws:s3:::b/key",
        #"replicationEventData.destinationBucket is "arn:aws:s3:::b/key" at byte"#
    ),
    (
        "arn:aws:s3:::amzn-s3-demo-bucket2", "arn:aws:s3:::a:b",
        #"replicationEventData.destinationBucket is "arn:aws:s3:::a:b" at byte"#
    ),
    ("\"key\":\"replication-object-put-test.png\",", "", "s3.object.key is missing"),
    ("replication-object-put-test.png", "", #"s3.object.key is "" at byte"#),
    ("replication-object-put-test.png", "%4", #"s3.object.key is "%4" at byte"#),
    ("replication-object-put-test.png", "%%41", #"s3.object.key is "%%41" at byte"#),
    ("replication-object-put-test.png", #"\u0007%"#, #"s3.object.key is "\u{7}%" at byte"#),
    ("replication-object-put-test.png", #"\u202e%"#, #"s3.object.key is "\u{202E}%" at byte"#),
    (
        "replication-object-put-test.png", String(repeating: "k", count: 1025),
        "s3.object.key is \"" + String(repeating: "k", count: 80) + "…\" at byte"
    ),
    (#""eventTime":"2024-09-05T21:04:32.527Z","#, "", "eventTime is missing"),
    ("2024-09-05T21:04:32.527Z", "yesterday", #"eventTime is "yesterday" at byte"#),
    ("2024-09-05T21:04:32.527Z", "2024-02-30T00:00:00Z", #"eventTime is "2024-02-30T00:00:00Z""#),
    (#""2024-09-05T21:04:32.527Z""#, "1725570272", "eventTime is 1725570272 at byte"),
    ("520080", "-1", "s3.object.size is -1 at byte"),
    ("520080", "1.5", "s3.object.size is 1.5 at byte"),
    ("520080", "9223372036854775808", "s3.object.size is 9223372036854775808 at byte"),
    ("520080", "9223372036854775807", "s3.object.size is 9223372036854775807 at byte"),
    ("520080", "1125899906842625", "s3.object.size is 1125899906842625 at byte"),
    ("520080", "\"520080\"", #"s3.object.size is "520080" at byte"#),
    ("520080", "{}", "s3.object.size is an object at byte"),
    (#""2.2""#, #""3.0""#, #"eventVersion is "3.0" at byte"#),
    (#""2.2""#, #""22""#, #"eventVersion is "22" at byte"#),
    (#""2.2""#, "2.2", "eventVersion is 2.2 at byte"),
    ("aws:s3\"", "aws:sqs\"", #"eventSource is "aws:sqs" at byte"#),
    (
        #""eventName":"Replication:OperationFailedReplication","#, "",
        "eventName is missing in the object at byte 12"
    ),
    (
        "OperationFailedReplication", "OperationImproved",
        #"eventName is "Replication:OperationImproved" at byte"#
    ),
    ("\"abcdeH0Xp66ep__QDjR76LK7Gc9X4wKO\"", "5", "s3.object.versionId is 5 at byte"),
    (
        "abcdeH0Xp66ep__QDjR76LK7Gc9X4wKO", String(repeating: "v", count: 1025),
        "s3.object.versionId is \""
    ),
    (
        "AssumeRoleNotPermitted", String(repeating: "r", count: 257),
        "replicationEventData.failureReason is \""
    ),
    ("OBJECT_PUT", String(repeating: "o", count: 257), "replicationEventData.s3Operation is \""),
    (#""s3":"#, #""s4":"#, "s3 is missing in the object at byte 12: expected an object."),
    (#""bucket":{"#, #""bucket":7,"bucket2":{"#, "s3.bucket is 7 at byte"),
    (#""object":{"#, #""object":"x","object2":{"#, #"s3.object is "x" at byte"#),
    (#""replicationEventData":"#, #""other":"#, "replicationEventData is missing"),
    (#""responseElements":{"#, #""responseElements":1,"r":{"#, "responseElements is 1 at byte"),
    (#""size":520080"#, #""size":520080,"size":520080"#, "s3.object.size is 520080 at byte"),
    (
        #""awsRegion":"us-east-1""#, #""awsRegion":"us-east-1","aws\u0052egion":"x""#,
        #"awsRegion is "us-east-1" at byte"#
    ),
    (#""s3":{"#, #""s3":{},"s3":{"#, "s3 is an object at byte"),
    (
        #""destinationBucket":"#, #""replicationRuleId":null,"destinationBucket":"#,
        #"replicationEventData.replicationRuleId is "notification-test-replication-rule" at byte"#
    ),
]

@Test func `each unusable member is named with its value, place and what was expected`() throws {
    for (old, new, sentence) in problems {
        let bad = record(old, new)
        let message = decodeMessage(body(bad, awsRecord))
        #expect(message.events == [awsEvent], "\(new) for \(old)")
        #expect(message.foreign.isEmpty)
        let problem = try #require(message.problem, "\(new) for \(old)")
        #expect(problem.sentence.hasPrefix("Records[0]." + sentence), "\(problem.sentence)")
        #expect(problem.sentence.contains("expected "), "\(problem.sentence)")
        #expect(problem.sentence.contains("at byte \(problem.offset)"), "\(problem.sentence)")
        #expect(problem.sentence.utf8.count < 600, "\(problem.sentence)")
        #expect(problem.offset >= 12 && problem.offset < 12 + bad.utf8.count)
    }
    print("unusable members: \(problems.count)")
}

@Test func `a record of another source, or of none, is a problem, not a foreign event to delete`() {
    let source = #""eventSource":"aws:s3","#
    for new in [#""eventSource":"minio:s3","#, ""] {
        let created = split(record(source, new), at: "Replication:OperationFailedReplication")
            .joined(separator: "ObjectCreated:Put")
        #expect(decodeMessage(body(created)).foreign.isEmpty)
        #expect(
            decodeMessage(body(created)).problem?.sentence.hasPrefix("Records[0].eventSource is")
                == true)
    }
    #expect(decodeMessage(body(record(source, ""))).events == [awsEvent])
}

@Test func `a second Records is a problem, and the first one's events are kept`() {
    let text = #"{"Records":[\#(awsRecord)],"Records":[\#(awsRecord)]}"#
    let message = decodeMessage(Array(text.utf8))
    #expect(message.events == [awsEvent])
    #expect(
        message.problem?.sentence.hasPrefix(
            "Records is an array at byte 11 and stands again at byte") == true)
}
