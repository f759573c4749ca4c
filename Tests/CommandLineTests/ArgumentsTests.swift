import ControlAPI
import Domain
import FoundationEssentials
import Testing

@testable import s3remedy

struct ArgumentsTests {
    @Test(arguments: [
        (["-o", "json", "status"], ["status", "-o", "json"]),
        (
            ["--output=csv", "--socket", "s", "failures", "list"],
            ["failures", "list", "--output=csv", "--socket", "s"]
        ),
        (["--yes", "remediate", "b/r", "--", "-x"], ["remediate", "b/r", "--yes", "--", "-x"]),
        (["status", "-o", "json"], ["status", "-o", "json"]), (["-o"], ["-o"]), ([], []),
        (["--version"], ["--version"]),
    ])
    func `global options may stand before the verb`(given: [String], moved: [String]) {
        #expect(globalOptionsLast(given) == moved)
    }

    @Test func `a rule is a bucket and an ID, which may hold slashes`() throws {
        let rule = try #require(RuleName(argument: "orders/a/b c"))
        #expect(rule.bucket == "orders" && rule.ruleID == "a/b c")
        #expect(rule.path == "/v1/rules/orders/a%2Fb%20c")
        for wrong in ["orders", "/x", "orders/", "", "/"] {
            #expect(RuleName(argument: wrong) == nil)
        }
    }

    @Test(arguments: [
        ("2026-11-24T06:11:06.527Z", "2026-11-24T06:11:06.527Z"),
        ("2026-11-24", "2026-11-24T00:00:00.000Z"), ("90m", "2026-11-23T22:30:00.000Z"),
        ("24h", "2026-11-23T00:00:00.000Z"), ("7d", "2026-11-17T00:00:00.000Z"),
        ("0s", "2026-11-24T00:00:00.000Z"),
    ])
    func `moments are RFC 3339, a date or a time ago`(text: String, expected: String) throws {
        let now = try #require(Timestamp(rfc3339: "2026-11-24T00:00:00Z"))
        #expect(try #require(Moment(argument: text)).timestamp(at: now).description == expected)
    }

    @Test(arguments: ["yesterday", "", "h", "-3h", "2026-13-01", "9999999999999d", "3 h"])
    func `what is no moment is refused`(text: String) {
        #expect(Moment(argument: text) == nil)
    }

    @Test func `every key of a failure has its csv column`() throws {
        let text = """
            {"sourceBucket":"1","ruleId":"2","destinationBucket":"3","key":"4","keyEncoded":"5",\
            "versionId":"6","state":"7","reason":"8","reasonClass":"9","size":10,"eTag":"11",\
            "operation":"12","firstFailedAt":"2026-11-24T06:11:06.527Z",\
            "lastFailedAt":"2026-11-24T06:11:06.527Z","failureCount":15,"remediationId":"16",\
            "lastTask":{"jobId":"17","status":"18","httpStatus":19,"code":"20","message":"21",\
            "at":"2026-11-24T06:11:06.527Z"},"closedAt":"2026-11-24T06:11:06.527Z","evidence":"24",\
            "note":"25"}
            """
        let item = try JSONDecoder().decode(FailureItem.self, from: Data(text.utf8))
        let cells = csvCells(of: item)
        #expect(cells.count == 25 && cells.allSatisfy { !$0.isEmpty })
        print("\(cells.count) columns")
    }

    @Test func `a share of the failures is counted by state`() {
        var counts = RuleItem.Counts()
        (counts.open, counts.parked, counts.gone) = (3, 2, 1)
        #expect(counts.count(.one(.open)) == 3)
        #expect(counts.count(.one(.dismissed)) == 0)
        #expect(counts.count(.all) == 6)
    }
}
