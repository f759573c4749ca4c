internal import Domain
internal import EventDecoding
internal import TestSupport
import Testing

@Test func `1,000 records of one body are all decoded in order`() {
    // Without this member, so that the body stays below SQS's limit.
    let identifier = split(split(awsRecord, at: #","x-amz-id-2":"#)[1], at: "}")[0]
    let short = split(awsRecord, at: #","x-amz-id-2":"# + identifier).joined()
    let records = (0..<1000).map {
        split(short, at: "replication-object-put-test.png").joined(separator: "key-\($0)")
    }
    let message = decodeMessage(body(records))
    #expect(message.problem == nil)
    #expect(message.events.map(\.key.text) == (0..<1000).map { "key-\($0)" })
}

@Test func `more than 10,000 records are a problem, and the first 10,000 are kept`() {
    let foreign = #"{"eventSource":"aws:s3","eventName":"ObjectCreated:Put"}"#
    let allowed = decodeMessage(body(Array(repeating: foreign, count: 10_000)))
    #expect(allowed.problem == nil)
    #expect(allowed.foreign.count == 10_000)
    let message = decodeMessage(body(Array(repeating: foreign, count: 10_001)))
    #expect(message.foreign.count == 10_000)
    #expect(
        message.problem?.sentence
            == "Records is an array at byte 11: expected at most 10000 records (10001 were sent).")
}

@Test func `a body above SQS's limit is refused by its size`() {
    let message = decodeMessage([UInt8](repeating: UInt8(ascii: " "), count: 2_000_000))
    #expect(
        message.problem?.sentence
            == "The message body has 2000000 bytes: expected at most 1052672.")
}

@Test func `a bad record costs neither neighbour, and the first bad one is named`() throws {
    let bad = record(#""key":"replication-object-put-test.png""#, #""key":"100%""#)
    let message = decodeMessage(body(awsRecord, bad, awsRecord, "null", awsRecord))
    #expect(message.events == [awsEvent, awsEvent, awsEvent])
    let problem = try #require(message.problem)
    let offset = 12 + awsRecord.utf8.count + 1 + split(bad, at: "100%")[0].utf8.count
    #expect(problem.offset == offset)
    #expect(
        problem.sentence
            == "Records[1].s3.object.key is \"100%\" at byte \(offset): expected a form-encoded key, "
            + "two hexadecimal digits behind each `%`. 1 more of its records have problems.")
}

@Test func `records before a place where the JSON breaks are kept`() {
    let whole = body(awsRecord, awsRecord, awsRecord)
    var kept: [Int: Int] = [:]
    for length in 0..<whole.count {
        let message = decodeMessage(Array(whole[..<length]))
        kept[message.events.count, default: 0] += 1
        #expect(message.problem != nil, "\(length) bytes")
        #expect(message.events == Array(repeating: awsEvent, count: message.events.count))
        let complete = max(0, (length - 11) / (awsRecord.utf8.count + 1))
        #expect(message.events.count == min(3, complete), "\(length) bytes")
    }
    print("cut bodies: \(whole.count)")
    #expect(kept.keys.sorted() == [0, 1, 2, 3])
}

@Test func `any damage to a byte never crashes`() {
    var generator = SeededGenerator(seed: 11)
    let whole = body(awsRecord, awsRecord)
    var problems = 0
    for _ in 0..<20_000 {
        var damaged = whole
        damaged[Int.random(in: 0..<whole.count, using: &generator)] =
            UInt8.random(in: 0...255, using: &generator)
        if decodeMessage(damaged).problem != nil { problems += 1 }
    }
    print("damaged bodies: 20000, \(problems) with a problem")
    #expect(problems > 5000)
}

@Test func `keys are form-decoded to their exact bytes`() {
    let cases: [(String, [UInt8])] = [
        ("red+flower.jpg", Array("red flower.jpg".utf8)),
        ("a%2Bb%20c", Array("a+b c".utf8)),
        ("a/b//c/", Array("a/b//c/".utf8)),
        ("%2F", Array("/".utf8)),
        ("100%25", Array("100%".utf8)),
        ("%00%01%0a%0D%7F", [0, 1, 10, 13, 0x7F]),
        ("%FF%fe%80", [0xFF, 0xFE, 0x80]),
        ("%C3%A9", [0xC3, 0xA9]),
        ("é", [0xC3, 0xA9]),
        (#"\u00e9\n\u0000"#, [0xC3, 0xA9, 10, 0]),
        (#"\ud83d\ude00"#, [0xF0, 0x9F, 0x98, 0x80]),
        (#"\u002541"#, [0x41]),
        (#"\"\\"#, [0x22, 0x5C]),
        ("=&;,'", Array("=&;,'".utf8)),
        ("..%2F..%2Fetc", Array("../../etc".utf8)),
        (String(repeating: "%20", count: 1024), [UInt8](repeating: 0x20, count: 1024)),
    ]
    for (encoded, bytes) in cases {
        let message = decodeMessage(body(record("replication-object-put-test.png", encoded)))
        #expect(message.events.first?.key.bytes == bytes, "\(encoded)")
        #expect(message.problem == nil, "\(encoded)")
    }
    print("keys: \(cases.count)")
}

@Test func `all four replication events are known, with S3's prefix too`() {
    for name in ReplicationEvent.Name.allCases {
        for text in [name.text, "s3:" + name.text] {
            let message = decodeMessage(body(record(awsEvent.name.text, text)))
            #expect(message.events.map(\.name) == [name])
        }
    }
}

@Test func `optional members may be absent, null or empty`() throws {
    let versionID = #","versionId":"abcdeH0Xp66ep__QDjR76LK7Gc9X4wKO""#
    for new in ["", #","versionId":null"#, #","versionId":"""#, #","versionId":"null""#] {
        let message = decodeMessage(body(record(versionID, new)))
        #expect(message.events.first?.versionID == "null", "\(new)")
    }
    for new in ["", #""size":null,"#] {
        let event = try #require(decodeMessage(body(record(#""size":520080,"#, new))).events.first)
        #expect(event.size == nil)
    }
    for (old, path) in [
        (#","failureReason":"AssumeRoleNotPermitted""#, \ReplicationEvent.reason),
        (#","s3Operation":"OBJECT_PUT""#, \.operation),
        (#","sequencer":"0066DA1CBF104C0D51""#, \.sequencer),
        (#","eTag":"e12345ca7e88a38428305d3ff7fcb99f""#, \.eTag),
    ] {
        let event = try #require(decodeMessage(body(record(old, ""))).events.first)
        #expect(event[keyPath: path] == nil)
    }
    let elements = split(split(awsRecord, at: #""responseElements":"#)[1], at: #","s3":"#)[0]
    for new in ["null", "{}"] {
        let event = try #require(decodeMessage(body(record(elements, new))).events.first)
        #expect(event.requestID.isEmpty)
    }
}

@Test func `the rule's older name and a bare destination are taken`() {
    let old = decodeMessage(body(record("replicationRuleId", "replicationRule")))
    #expect(old.events == [awsEvent])
    let both = record(#""replicationRuleId":"#, #""replicationRule":"x","replicationRuleId":"#)
    #expect(decodeMessage(body(both)).events == [awsEvent])
    for destination in ["amzn-s3-demo-bucket2", "arn:aws-cn:s3:::amzn-s3-demo-bucket2"] {
        let message = decodeMessage(body(record("arn:aws:s3:::amzn-s3-demo-bucket2", destination)))
        #expect(message.events == [awsEvent])
    }
}

@Test func `minor versions and members that are new are ignored`() {
    for version in ["2.0", "2.6", "2.99", "2"] {
        #expect(decodeMessage(body(record(#""2.2""#, "\"\(version)\""))).events == [awsEvent])
    }
    let members = record(#""s3SchemaVersion""#, #""new":[{"a":[]}],"bucket2":{},"s3SchemaVersion""#)
    #expect(decodeMessage(body(members)).events == [awsEvent])
    let unknownReason = record("AssumeRoleNotPermitted", "Something New")
    #expect(decodeMessage(body(unknownReason)).events.first?.reason == "Something New")
}
