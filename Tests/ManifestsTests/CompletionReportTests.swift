import Domain
import Manifests
import Testing

struct CompletionReportTests {
    private let digest = "d41d8cd98f00b204e9800998ecf8427e"

    private func list(_ results: String, format: String = "\"Report_CSV_20180820\"") -> String {
        "{\"Format\":\(format),\"ReportCreationDate\":\"2019-04-05T17:48:39.725Z\",\"Results\":[\(results)],"
            + "\"ReportSchema\":\"Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage\"}"
    }

    private func result(bucket: String = "reports", key: String = "p/job-1/results/a.csv")
        -> String
    {
        "{\"TaskExecutionStatus\":\"failed\",\"Bucket\":\"\(bucket)\","
            + "\"MD5Checksum\":\"\(digest.uppercased())\",\"Key\":\"\(key)\"}"
    }

    private func parse(_ text: String) throws(ReportListError) -> CompletionReport {
        try CompletionReport(
            parsing: Array(text.utf8), bucket: "reports", prefix: "p", jobID: "1")
    }

    @Test func `the list names its files`() throws {
        let report = try parse(list(result() + "," + result(key: "p/job-1/results/b.csv")))
        #expect(report.files.map(\.key.text) == ["p/job-1/results/a.csv", "p/job-1/results/b.csv"])
        #expect(report.files[0].md5 == digest && report.files[0].taskExecutionStatus == "failed")
        #expect(report.createdAt == Timestamp(rfc3339: "2019-04-05T17:48:39.725Z"))
        #expect(try parse(list("")).files.isEmpty)
    }

    @Test func `S3 puts a slash behind every prefix`() {
        let key = { CompletionReport.listKey(prefix: $0, jobID: "1").text }
        #expect(key("p") == "p/job-1/manifest.json")
        #expect(key("p/") == "p//job-1/manifest.json")
        #expect(key("") == "job-1/manifest.json")
    }

    @Test func `files outside of the job's folder are refused by name`() throws {
        for other in [
            result(bucket: "secrets"), result(key: "p/job-2/results/a.csv"), result(key: "a"),
        ] {
            let error = #expect(throws: ReportListError.self) { try parse(list(other)) }
            guard case .elsewhere = error else {
                Issue.record("\(String(describing: error))"); continue
            }
        }
    }

    @Test func `another format is refused by name`() throws {
        #expect(throws: ReportListError.format("Report_CSV_2030")) {
            try parse(list("", format: "\"Report_CSV_2030\""))
        }
    }

    @Test(arguments: [
        "", "[]", "{}", "{\"Format\":\"Report_CSV_20180820\"}", "{\"Results\":[]}",
        "{\"Results\":{}}",
        "{\"Format\":\"Report_CSV_20180820\",\"Results\":[{}]}",
        "{\"Format\":\"Report_CSV_20180820\",\"Results\":[]}x",
    ])
    func `what is no list is malformed`(text: String) {
        let error = #expect(throws: ReportListError.self) { try parse(text) }
        guard case .malformed = error else { Issue.record("\(String(describing: error))"); return }
    }

    @Test func `a digest that is none is malformed`() {
        let short = result().replacing(digest.uppercased(), with: "abc")
        #expect(throws: ReportListError.malformed("the MD5Checksum abc")) {
            try parse(list(short))
        }
    }
}
