import Domain
import Manifests
import Testing

struct ReportReaderTests {
    private typealias Result = (rows: [ReportRow], reader: ReportReader)

    private func read(_ bytes: [UInt8], piece: Int) -> Result {
        var reader = ReportReader()
        var rows: [ReportRow] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + piece)
            rows += reader.feed(Array(bytes[start..<end]))
            start = end
        }
        rows += reader.finish()
        return (rows, reader)
    }

    /// Read whole, in drips and in pieces of odd lengths, which must make no difference.
    private func read(_ text: String) -> Result {
        let bytes = Array(text.utf8)
        let whole = read(bytes, piece: max(1, bytes.count))
        for piece in [1, 2, 3, 7, 64] {
            let other = read(bytes, piece: piece)
            #expect(other.rows == whole.rows, "in pieces of \(piece)")
            #expect(other.reader.problems == whole.reader.problems, "in pieces of \(piece)")
            #expect(other.reader.malformedRows == whole.reader.malformedRows)
        }
        #expect(whole.reader.rowCount == Int64(whole.rows.count))
        return whole
    }

    @Test func `a real report's rows are read`() {
        let result = read(
            "orders,a%20b%2Bc,v1,succeeded,200,,success\r\n"
                + "orders,d/e,null,failed,500,SrcObjectNotEligible,"
                + "\"Object is \"\"not\"\" eligible, for replication\"\r\n")
        #expect(
            result.rows == [
                ReportRow(
                    bucket: "orders", key: ObjectKey("a b+c"), versionID: "v1", status: .succeeded,
                    httpStatus: 200, code: nil, message: "success"),
                ReportRow(
                    bucket: "orders", key: ObjectKey("d/e"), versionID: "null", status: .failed,
                    httpStatus: 500, code: "SrcObjectNotEligible",
                    message: "Object is \"not\" eligible, for replication"),
            ])
        #expect(result.reader.malformedRows == 0)
    }

    @Test(
        arguments: [
            ("500,SrcObjectNotEligible", 500, "SrcObjectNotEligible"),
            ("SrcObjectNotEligible,500", 500, "SrcObjectNotEligible"),
            ("403,", 403, nil), (",403", 403, nil), ("\\N,AccessDenied", nil, "AccessDenied"),
            ("AccessDenied,\\N", nil, "AccessDenied"), (",", nil, nil), ("\\N,\\N", nil, nil),
            ("404,500", 404, "500"), ("\"500\",\"Code\"", 500, "Code"), ("5000,Code", nil, "Code"),
        ] as [(String, Int?, String?)])
    func `status and code are told by their content`(
        columns: String, status: Int?, code: String?
    ) {
        let rows = read("b,k,v,failed,\(columns),m\n").rows
        #expect(rows.map(\.httpStatus) == [status] && rows.map(\.code) == [code])
    }

    @Test(arguments: [("\\N", "null"), ("", "null"), ("null", "null"), ("a%2Cb", "a,b")])
    func `a version ID is what the manifest's writer was given`(column: String, version: String) {
        #expect(read("b,k,\(column),succeeded,200,,\n").rows.map(\.versionID) == [version])
    }

    @Test func `LF, CRLF, no break at the end, empty lines and a byte order mark are taken`() {
        let row = "b,k,v,succeeded,200,,success"
        let breaks = ["\(row)\n\(row)", "\(row)\r\n\(row)\r\n", "\u{FEFF}\(row)\n\n\r\n\(row)\r"]
        for text in breaks {
            let result = read(text)
            #expect(
                result.rows.map(\.message) == ["success", "success"], "\(text.debugDescription)")
            #expect(result.reader.malformedRows == 0)
        }
    }

    @Test func `a quoted field may hold line breaks`() {
        let result = read("b,k,v,failed,500,X,\"one\r\ntwo\nthree\"\r\nb,l,v,succeeded,200,,\r\n")
        #expect(result.rows.map(\.message) == ["one\r\ntwo\nthree", ""])
    }

    @Test(arguments: [
        "b,k,v,failed,500,X", "b,k,v,failed,500,X,m,more", "b,k,v,done,200,,m",
        "b,k%2,v,failed,500,X,m", "b,,v,failed,500,X,m", "b,k,v%,failed,500,X,m",
        "\"b\"x,k,v,failed,500,X,m", "b,k,v,failed,500,X,\"open", "\u{0}", ",,,,,,",
        "Bucket,Key,VersionId,TaskStatus,HTTPStatusCode,ErrorCode,ResultMessage",
        "\"", "b,k,v,failed,500,X,\"closed\" \"and opened",
    ])
    func `a malformed row is told with its offset and costs no other`(line: String) {
        let good = "b,good,v,succeeded,200,,\"a \"\"quoted\"\" word\"\r\n"
        let result = read(good + line + "\r\n" + good + good)
        #expect(result.rows.count == 3)
        #expect(result.reader.malformedRows == 1)
        #expect(result.reader.problems.map(\.offset) == [Int64(good.utf8.count)])
    }

    @Test func `an open quote takes no row along, however far the next one is`() {
        let good = "b,good,v,succeeded,200,,success\r\n"
        let many = String(repeating: good, count: 2000)
        let result = read(Array(("b,k,v,failed,500,X,\"open\r\n" + many).utf8), piece: 1000)
        #expect(result.rows.count == 2000 && result.reader.malformedRows == 1)
    }

    @Test func `a line without end is passed over in constant memory`() {
        var reader = ReportReader()
        #expect(reader.feed(Array("b,k,v,succeeded,200,,\n".utf8)).count == 1)
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)
        for _ in 0..<50 { #expect(reader.feed(piece).isEmpty) }
        #expect(reader.feed(Array("\nb,k,v,succeeded,200,,\n".utf8)).count == 1)
        #expect(reader.malformedRows == 1 && reader.problems.map(\.offset) == [22])
    }

    @Test func `problems beyond the first are only counted`() {
        let result = read(Array(String(repeating: "x\n", count: 1000).utf8), piece: 100)
        #expect(result.reader.malformedRows == 1000)
        #expect(result.reader.problems.count == ReportReader.maximumProblems)
        #expect(result.reader.problems[1].description == "1 columns instead of 7 at byte 2")
    }

    @Test func `bytes that are not UTF-8 stay in their field`() {
        let bytes = Array("b,k\u{0},v,failed,500,X,m".utf8) + [0xFF, 0xFE, 0x0A]
        let result = read(bytes, piece: 5)
        #expect(result.rows.map(\.key) == [ObjectKey(bytes: [0x6B, 0])])
        #expect(result.rows.map(\.message) == ["m\u{FFFD}\u{FFFD}"])
        let key = read([0x62, 0x2C, 0xFF, 0xC0] + Array(",v,succeeded,200,,\n".utf8), piece: 3)
        #expect(key.rows.map(\.key.bytes) == [[0xFF, 0xC0]])
    }

    @Test func `random bytes are neither read wrongly nor a reason to stop`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("b,k\"\r\n\\N%2F0".utf8) + [0xFF, 0xEF, 0xBB, 0xBF]
        let good = "good,k,v,succeeded,200,,\n"
        var cases = 0
        for _ in 0..<2000 {
            let noise = (0..<Int.random(in: 0..<60, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            let bytes = noise + [0x0A] + Array(good.utf8)
            let whole = read(bytes, piece: bytes.count)
            let dripped = read(bytes, piece: 1)
            #expect(whole.rows == dripped.rows && whole.reader.problems == dripped.reader.problems)
            #expect(whole.rows.last?.bucket == "good", "\(noise)")
            cases += 1
        }
        print("random reports \(cases)")
    }
}
