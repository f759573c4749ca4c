import Domain
import Manifests
import Testing

struct ManifestWriterTests {
    private func manifest(
        _ rows: [(key: String, version: String)], bucket: String = "b", chunk: Int = 0
    ) throws -> (bytes: [UInt8], writer: ManifestWriter, chunks: Int) {
        var writer = ManifestWriter(bucket: bucket)
        var bytes: [UInt8] = []
        var chunks = 0
        for row in rows {
            try writer.append(key: ObjectKey(row.key), versionID: row.version)
            while let taken = writer.takeChunk(atLeast: chunk) {
                bytes += taken
                chunks += 1
            }
        }
        bytes += writer.takeChunk(atLeast: 0) ?? []
        return (bytes, writer, chunks)
    }

    @Test func `bucket, key and version are encoded so that none can break a row`() throws {
        let result = try manifest([("a b+c%2F/\"q\",\n", "v1,x\n")], bucket: "or,ders")
        #expect(
            String(decoding: result.bytes, as: UTF8.self)
                == "or%2Cders,a%20b%2Bc%252F/%22q%22%2C%0A,v1%2Cx%0A\n")
    }

    @Test func `every byte of a key is encoded as RFC 3986 says`() throws {
        var writer = ManifestWriter(bucket: "b")
        try writer.append(key: ObjectKey(bytes: Array(0...255)), versionID: "v")
        let kept = "-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
        var expected = "b,"
        for byte in UInt8(0)...255 {
            let character = Character(Unicode.Scalar(byte))
            let digits = String(byte, radix: 16, uppercase: true)
            expected +=
                kept.contains(character)
                ? String(character) : "%" + (byte < 16 ? "0" : "") + digits
        }
        let chunk = writer.takeChunk(atLeast: 0)
        let bytes = try #require(chunk)
        #expect(String(decoding: bytes, as: UTF8.self) == expected + ",v\n")
    }

    @Test func `the null version is the word null`() throws {
        let result = try manifest([("k", "null"), ("l", "")])
        #expect(String(decoding: result.bytes, as: UTF8.self) == "b,k,null\nb,l,null\n")
    }

    @Test func `a version that comes again is written once`() throws {
        let result = try manifest([("x", "v"), ("x", "v"), ("x", "w"), ("y", ""), ("y", "null")])
        #expect(String(decoding: result.bytes, as: UTF8.self) == "b,x,v\nb,x,w\nb,y,null\n")
        #expect(result.writer.rowCount == 3 && result.writer.byteCount == Int64(result.bytes.count))
    }

    @Test func `spellings that Swift takes for equal are two versions`() throws {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        let result = try manifest([("k", decomposed), ("k", composed)])
        #expect(composed == decomposed && result.writer.rowCount == 2)
    }

    @Test(arguments: [
        [("b", "v"), ("a", "v")], [("k", "w"), ("k", "v")], [("k", ""), ("k", "a~"), ("k", "A")],
    ])
    func `another order is an error that names both rows`(rows: [(String, String)]) throws {
        let error = #expect(throws: ManifestOrderError.self) {
            try manifest(rows.map { (key: $0.0, version: $0.1) })
        }
        #expect(error?.description.contains(rows[rows.count - 1].0 + " (version ") == true)
    }

    @Test func `keys are in order of their bytes`() throws {
        let keys: [[UInt8]] = [[0], [0x61], [0x61, 0], [0x7F], [0x80], [0xFF], [0xFF, 0]]
        var writer = ManifestWriter(bucket: "b")
        for key in keys { try writer.append(key: ObjectKey(bytes: key), versionID: "v") }
        #expect(writer.rowCount == 7)
    }

    @Test func `chunks have at least the wanted length and are the same manifest`() throws {
        let rows = (0..<1000).map { (key: "key-\($0 + 1000)", version: "v") }
        let whole = try manifest(rows, chunk: 1_000_000)
        for chunk in [1, 7, 100, 4096] {
            let pieces = try manifest(rows, chunk: chunk)
            #expect(pieces.bytes == whole.bytes)
            #expect(pieces.chunks == (chunk <= 13 ? 1000 : whole.bytes.count / roundedUp(chunk)))
        }
        var empty = ManifestWriter(bucket: "b")
        #expect(empty.takeChunk(atLeast: 0) == nil)
    }

    /// A row has 13 bytes, and a chunk ends with one.
    private func roundedUp(_ chunk: Int) -> Int { (chunk + 12) / 13 * 13 }
}
