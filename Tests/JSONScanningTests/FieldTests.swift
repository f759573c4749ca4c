internal import JSONScanning
internal import Testing

private func matches(_ document: String, _ literal: StaticString) throws -> Bool {
    var scanner = JSONScanner(Array(document.utf8))
    try scanner.beginObject()
    let name = try #require(try scanner.nextMember())
    return literal ~= name
}

@Test func `a name is compared behind its escapes, whatever its length`() throws {
    #expect(try matches(#"{"a":1}"#, "a"))
    #expect(try matches(#"{"":1}"#, ""))
    #expect(try matches(#"{"replicationRuleId":1}"#, "replicationRuleId"))
    #expect(try matches(#"{"\u0072eplicationRule\u0049d":1}"#, "replicationRuleId"))
    #expect(try matches(#"{"12345678":1}"#, "12345678"))
    // As long as a name may be that is compared, and longer.
    let longest: StaticString = "ApproximateFirstReceiveTimestamp"
    #expect(try matches(#"{"ApproximateFirstReceiveTimestamp":1}"#, longest))
    #expect(try matches(#"{"ApproximateFirstReceiveTimest\u0061mp":1}"#, longest))
    #expect(try !matches(#"{"ApproximateFirstReceiveTimestamq":1}"#, longest))
    #expect(try !matches(#"{"ApproximateFirstReceiveTimestamps":1}"#, longest))
    #expect(try !matches(#"{"ApproximateNumberOfMessagesNotVisible":1}"#, "a"))
    #expect(try matches(#"{"é":1}"#, "é"))
    #expect(try matches(#"{"\u00e9":1}"#, "é"))
    #expect(try !matches(#"{"replicationRuleID":1}"#, "replicationRuleId"))
    #expect(try !matches(#"{"replicationRuleI":1}"#, "replicationRuleId"))
    #expect(try !matches(#"{"\\u0061":1}"#, "a"))
    #expect(try !matches(#"{"":1}"#, "a"))
    // Equal as Swift strings, yet other bytes.
    #expect(try !matches("{\"e\u{301}\":1}", "é"))
}

@Test func `a repeated member keeps its first value and says where the second is`() throws {
    var scanner = JSONScanner(Array(#"{"a":"x", "a": {"b":[]}, "a":3}"#.utf8))
    var field = JSONField()
    try scanner.beginObject()
    while try scanner.nextMember() != nil { try scanner.read(into: &field) }
    try scanner.finish()
    #expect(scanner.text(try #require(field.value)) == "x")
    #expect(field.repeatedAt == 15)
}

@Test func `a container is entered once, and anything else in its place is only taken`() throws {
    var scanner = JSONScanner(Array(#"[{"a":1}, {"a":2}, 3]"#.utf8))
    var field = JSONField()
    var entered: [Bool] = []
    try scanner.beginArray()
    while try scanner.nextElement() {
        entered.append(try scanner.enter(.object, &field))
        guard entered.last == true else { continue }
        while try scanner.nextMember() != nil { try scanner.skipValue() }
    }
    try scanner.finish()
    #expect(entered == [true, false, false])
    #expect(field.repeatedAt == 10)

    var number = JSONScanner(Array("3".utf8))
    var other = JSONField()
    #expect(try !number.enter(.object, &other))
    #expect(other.value?.kind == .number)
}

@Test func `only integers that fit Int64 are integers`() throws {
    let cases: [(String, Int64?)] = [
        ("0", 0), ("-0", 0), ("520080", 520_080), ("-7", -7),
        ("9223372036854775807", .max), ("-9223372036854775808", .min),
        ("9223372036854775808", nil), ("-9223372036854775809", nil),
        ("1.0", nil), ("1e3", nil), (#""1""#, nil), ("true", nil), ("null", nil), ("[1]", nil),
    ]
    for (text, expected) in cases {
        var scanner = JSONScanner(Array(text.utf8))
        let value = try scanner.value()
        #expect(scanner.integer(value) == expected, "\(text)")
    }
}

@Test func `a string's contents are exact at every length and place of an escape`() throws {
    var count = 0
    for length in 0..<40 {
        for place in 0...length {
            for (escape, bytes) in [(#"\n"#, "\n"), (#"\u20AC"#, "€"), (#"\ud83d\ude00"#, "😀")] {
                let head = String(repeating: "x", count: place)
                let tail = String(repeating: "ß", count: length - place)
                var scanner = JSONScanner(Array("\"\(head)\(escape)\(tail)\"".utf8))
                let value = try scanner.value()
                #expect(value.hasEscapes)
                #expect(scanner.contents(value) == Array("\(head)\(bytes)\(tail)".utf8))
                #expect(scanner.text(value) == "\(head)\(bytes)\(tail)")
                count += 1
            }
        }
    }
    print("strings with an escape: \(count)")
}
