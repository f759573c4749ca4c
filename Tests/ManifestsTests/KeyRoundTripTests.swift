import Domain
import EventDecoding
import FailureStore
import Foundation
import Manifests
import SystemIO
import TestSupport
import Testing

private let digits = Array("0123456789abcdef".utf8)

/// One object version, as a text that tells it from every other.
private func name(_ key: [UInt8], _ version: String) -> String {
    var text: [UInt8] = []
    for byte in key {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self) + " " + version
}

/// Keys of any bytes, most of them of those that formats trip over.
private struct KeySource {
    private static let tricky =
        Array("%+ ,\"\r\n/\\N.&=?#;'<>a0".utf8) + [0, 0x7F, 0x80, 0xC3, 0xFF]
    private static let versionBytes = Array("ABCxyz019._-".utf8)

    /// What form encoding leaves as it is.
    private static let plain = (0...255).map { value in
        let scalar = Unicode.Scalar(UInt8(value))
        return scalar.properties.isAlphabetic && scalar.isASCII || ("0"..."9").contains(scalar)
            || "-_.*".unicodeScalars.contains(scalar)
    }

    var generator: SeededGenerator

    mutating func key() -> [UInt8] {
        let isLong = Int.random(in: 0..<500, using: &generator) == 0
        let length = Int.random(in: 1...(isLong ? 1024 : 24), using: &generator)
        let isWild = Bool.random(using: &generator)
        return (0..<length).map { _ in
            isWild
                ? UInt8.random(in: 0...255, using: &generator)
                : Self.tricky.randomElement(using: &generator) ?? 0
        }
    }

    mutating func version() -> String {
        guard Int.random(in: 0..<10, using: &generator) > 0 else { return "null" }
        return String(
            decoding: (0..<Int.random(in: 1...32, using: &generator)).map { _ in
                Self.versionBytes.randomElement(using: &generator) ?? 0
            }, as: UTF8.self)
    }

    /// As S3 writes a key into an event: `application/x-www-form-urlencoded`, in digits of either case.
    mutating func formEncoded(_ key: [UInt8]) -> String {
        var text: [UInt8] = []
        let isUpperCase = Bool.random(using: &generator)
        for byte in key {
            if byte == 0x20 {
                text.append(UInt8(ascii: "+"))
            } else if Self.plain[Int(byte)] {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                for digit in [digits[Int(byte >> 4)], digits[Int(byte & 15)]] {
                    text.append(isUpperCase && digit >= 0x61 ? digit - 0x20 : digit)
                }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    mutating func record(_ key: [UInt8], _ version: String, to destination: String)
        -> String
    {
        """
        {"eventVersion":"2.2","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2026-11-24T06:11:06.527Z",\
        "eventName":"Replication:OperationFailedReplication","responseElements":{"x-amz-request-id":"R"},\
        "s3":{"bucket":{"name":"orders"},"object":{"key":"\(formEncoded(key))","versionId":"\(version)"}},\
        "replicationEventData":{"replicationRuleId":"rule","destinationBucket":"arn:aws:s3:::\(destination)",\
        "failureReason":"DstPutObjectNotPermitted"}}
        """
    }
}

struct KeyRoundTripTests {
    private let directory = TemporaryDirectory()
    private let run = RemediationRun(
        id: "run-1", rule: RuleName(sourceBucket: "orders", ruleID: "rule"), region: "eu-west-1",
        selection: FailureSelection(), priority: 10, createdAt: Timestamp(milliseconds: 0),
        createdBy: "uid 0")

    /// Event bodies through the decoder into the store; the names of all versions.
    private func store(
        _ cases: Int, _ seed: UInt64, in store: SQLiteFailureStore
    ) async throws -> Set<String> {
        var source = KeySource(generator: SeededGenerator(seed: seed))
        var names: Set<String> = []
        var events: [ReplicationEvent] = []
        while names.count < cases {
            var records: [String] = []
            for _ in 0..<500 {
                let (key, version) = (source.key(), source.version())
                names.insert(name(key, version))
                // Some versions failed at both destinations; the manifest has them once.
                let kind = Int.random(in: 0..<20, using: &source.generator)
                if kind < 11 { records.append(source.record(key, version, to: "one")) }
                if kind > 8 { records.append(source.record(key, version, to: "two")) }
            }
            let body = "{\"Records\":[" + records.joined(separator: ",") + "]}"
            let decoded = decodeMessage(Array(body.utf8))
            #expect(decoded.events.count == records.count)
            events += decoded.events
            // Other tests share the few threads of the pool, and some measure idle time.
            await Task.yield()
        }
        // One transaction: what is tested here is not the store's rate.
        let records = events.enumerated().map {
            (UInt64($0.offset) + 1, StoreRecord.event($0.element))
        }
        _ = try await store.apply(
            StoreBatch(records: records, at: Timestamp(milliseconds: 1_795_500_000_000)))
        return names
    }

    private func select(in store: SQLiteFailureStore) async throws {
        try await store.save(run)
        var run = run
        while true {
            let result = try await store.selectNext(for: run, limit: 1_000_000)
            run = result.run
            if result.isComplete { return }
        }
    }

    private func manifest(
        from store: SQLiteFailureStore, limit: Int
    ) async throws -> (bytes: [UInt8], rows: Int64) {
        var writer = ManifestWriter(bucket: "orders")
        var bytes: [UInt8] = []
        var pages = ManifestPages(of: "run-1", in: store, limit: limit)
        while let page = try await pages.next() {
            for index in 0..<page.count {
                let row = page[index]
                try writer.append(key: row.key, versionID: row.versionID)
            }
            bytes += writer.takeChunk(atLeast: 100_000) ?? []
        }
        return (bytes + (writer.takeChunk(atLeast: 0) ?? []), writer.rowCount)
    }

    /// The report of the manifest's rows, made by Python, which must have read the same versions out of it.
    private func otherSide(_ manifest: [UInt8], _ names: Set<String>) throws -> [UInt8] {
        let path = { directory.path + "/" + $0 }
        try Data(manifest).write(to: URL(fileURLWithPath: path("manifest.csv")))
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("other_side.py").path
        let (status, output) = try TestSupport.run(
            "python3", script, path("manifest.csv"), path("report.csv"), path("keys"))
        #expect(status == 0 && output == "\(names.count)\n", "\(output)")
        let seen = try String(contentsOfFile: path("keys"), encoding: .ascii)
        #expect(Set(seen.split(separator: "\n").map(String.init)) == names)
        return Array(try Data(contentsOf: URL(fileURLWithPath: path("report.csv"))))
    }

    @Test func `every key survives event, store, manifest, another's CSV parser and report`()
        async throws
    {
        let store = try SQLiteFailureStore.open(
            path: directory.path + "/failures.db", writer: .blocking("writer"),
            reader: .blocking("reader"))
        let names = try await self.store(100_000, 20_261_124, in: store)
        try await select(in: store)
        let manifest = try await manifest(from: store, limit: 5000)
        #expect(manifest.rows == Int64(names.count))
        let again = try await self.manifest(from: store, limit: 777)
        #expect(again.bytes == manifest.bytes, "a repeat gives other bytes")

        let report = try otherSide(manifest.bytes, names)
        var reader = ReportReader()
        var found: Set<String> = []
        var failed = 0
        var wrong: [ReportRow] = []
        for start in stride(from: 0, to: report.count, by: 65_521) {
            await Task.yield()
            for row in reader.feed(Array(report[start..<min(report.count, start + 65_521)])) {
                let hasCode = row.code != nil
                if row.bucket != "orders" || row.httpStatus == nil
                    || hasCode != (row.status == .failed)
                {
                    wrong.append(row)
                }
                failed += row.status == .failed ? 1 : 0
                found.insert(name(row.key.bytes, row.versionID))
            }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(3))")
        #expect(reader.finish().isEmpty && reader.malformedRows == 0)
        #expect(found == names && reader.rowCount == Int64(names.count))
        #expect(failed > names.count / 3)
        try await store.close()
        print("cases \(names.count), seed 20261124, failed rows \(failed)")
    }
}
