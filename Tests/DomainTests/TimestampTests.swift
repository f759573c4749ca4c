internal import Domain
internal import TestSupport
import Testing

/// Walks the calendar one day at a time, by the rule alone: the oracle of the closed formulas.
private struct DayWalker {
    var year = 1601
    var month = 1
    var day = 1

    mutating func advance() {
        let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        day += 1
        if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
        if month > 12 { (year, month) = (year + 1, 1) }
    }

    var date: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }
}

private func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: width - digits.count) + digits
}

/// 1601-01-01, in days since 1970-01-01: the well-known distance of the epochs of Windows and Unix.
private let firstDay: Int64 = -134_774

@Test
func `every day of two calendar cycles, 1601 to 2400, is written and read as a calendar has it`() {
    var walker = DayWalker()
    var generator = SeededGenerator(seed: 5)
    var days = 0
    while walker.year <= 2400 {
        let rest = Int64.random(in: 0..<86_400_000, using: &generator)
        let moment = Timestamp(milliseconds: (firstDay + Int64(days)) * 86_400_000 + rest)
        let seconds = Int(rest / 1000)
        let expected =
            "\(walker.date)T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):"
            + "\(padded(seconds % 60, 2)).\(padded(Int(rest % 1000), 3))Z"
        let isRight =
            moment.description == expected && Timestamp(rfc3339: expected) == moment
        if !isRight { Issue.record("\(expected): \(moment)") }
        walker.advance()
        days += 1
    }
    print("days: \(days)")
    #expect(days == 292_194)
}

@Test func `times of RFC 3339 are read`() {
    let cases: [(String, Int64)] = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("2024-09-05T21:04:32.527Z", 1_725_570_272_527),
        ("2024-09-05T21:04:32.5Z", 1_725_570_272_500),
        ("2024-09-05T21:04:32.52Z", 1_725_570_272_520),
        ("2024-09-05T21:04:32.5279999Z", 1_725_570_272_527),
        ("2024-09-05T21:04:32.\(String(repeating: "5", count: 200))Z", 1_725_570_272_555),
        ("2024-09-05T23:04:32.527+02:00", 1_725_570_272_527),
        ("2024-09-05T15:34:32.527-05:30", 1_725_570_272_527),
        ("2024-09-05T21:04:32.527-00:00", 1_725_570_272_527),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ]
    for (text, milliseconds) in cases {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds, "\(text)")
    }
    print("times: \(cases.count)")
}

@Test func `anything else is no time`() {
    let cases = [
        "", "2024", "2024-09-05", "2024-09-05T21:04Z", "2024-09-05T21:04:32",
        "2024-09-05 21:04:32Z",
        "2024-13-05T21:04:32Z", "2024-00-05T21:04:32Z", "2024-09-31T21:04:32Z",
        "2024-09-00T21:04:32Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2024-09-05T24:00:00Z", "2024-09-05T21:60:00Z", "2024-09-05T21:04:61Z",
        "2024-09-05T21:04:32.Z", "2024-09-05T21:04:32,5Z", "2024-09-05T21:04:32+2:00",
        "2024-09-05T21:04:32+24:00", "2024-09-05T21:04:32+02:60", "2024-09-05T21:04:32+0200",
        "2024-09-05T21:04:32ZZ", "2024-09-05T21:04:32Z ", " 2024-09-05T21:04:32Z",
        "+024-09-05T21:04:32Z", "-2024-09-05T21:04:32Z", "20240-09-05T21:04:32Z",
        "٢٠٢٤-09-05T21:04:32Z", "2024-09-05T21:04:32\u{0}Z",
        // In a year that no text of RFC 3339 has, once the offset is taken in.
        "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01",
        // Valid up to the 64th byte, where reading once stopped.
        "2024-09-05T21:04:32.\(String(repeating: "5", count: 43))Z and more",
    ]
    for text in cases { #expect(Timestamp(rfc3339: text) == nil, "\(text)") }
    print("no times: \(cases.count)")
}

@Test func `the ends of Int64 are written without a trap`() {
    #expect(Timestamp(milliseconds: .min).description == "-292275055-05-16T16:47:04.192Z")
    #expect(Timestamp(milliseconds: .max).description == "292278994-08-17T07:12:55.807Z")
    #expect(Timestamp(milliseconds: -62_198_755_200_000).description == "-0001-01-01T00:00:00.000Z")
}

@Test func `moving a moment stops at the ends of Int64`() {
    #expect(Timestamp(milliseconds: 5).advanced(byMilliseconds: -7).milliseconds == -2)
    #expect(Timestamp(milliseconds: .max).advanced(byMilliseconds: 1).milliseconds == .max)
    #expect(Timestamp(milliseconds: .min).advanced(byMilliseconds: -1).milliseconds == .min)
}
