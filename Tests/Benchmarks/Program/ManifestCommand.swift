import AWSClient
import AWSProtocol
import ArgumentParser
import Domain
import FailureStore
import Foundation
import GRDB
import Manifests
import SystemIO

/// The manifest of a store's failures, and a completion report of as many rows.
struct ManifestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest", abstract: "Writes a manifest out of a store, or reads a report.")

    enum Step: String, ExpressibleByArgument {
        /// Makes a store of failures that one remediation holds.
        case fill
        /// Reads them, writes their manifest and its SHA-256, and drops the bytes as an upload would.
        case write
        /// The same twice, as an upload needs it, and signs and sends its parts to nobody.
        case upload
        /// Reads a report of as many rows.
        case report
    }

    @Argument var step: Step
    @OptionGroup var place: BenchDirectory
    @Option var records = 10_000_000

    private static let run = "bench"

    func run() async throws {
        switch step {
        case .fill: try printJSON(try await fill())
        case .write: try printJSON(try await write())
        case .upload: try printJSON(try await upload())
        case .report: try printJSON(readReport())
        }
    }

    /// By plain SQL into the store's own tables: through `apply` it would take minutes and change nothing here.
    private func fill() async throws -> Measurement.Result {
        let store = try openStore()
        try await store.save(
            RemediationRun(
                id: Self.run, rule: RuleName(sourceBucket: "orders", ruleID: "rule"),
                region: "eu-west-1", selection: FailureSelection(), priority: 10,
                createdAt: Timestamp(milliseconds: 0), createdBy: "uid 0"))
        try await store.close()
        let measurement = Measurement()
        let queue = try DatabaseQueue(path: place.directory + "/failures.db")
        try await queue.write { db in
            try db.execute(
                sql: """
                    INSERT INTO rule (id, bucket, rule_id, region) VALUES (1, 'orders', 'rule', 'eu-west-1');
                    INSERT INTO destination VALUES (1, 'backup');
                    INSERT INTO reason VALUES (1, 'DstPutObjectNotPermitted', 'fix');
                    WITH RECURSIVE numbers(n) AS
                      (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < \(records))
                    INSERT INTO failure (rule, destination, key, version, state, reason,
                      first_failed_at, last_failed_at, last_request_id, failure_count, remediation)
                    SELECT 1, 1, CAST(printf('tenant-%04d/2026/11/object %09d.parquet', n / 10000, n) AS BLOB),
                      printf('3sL4kqtJlcpXroDTDmJrmSpX%08d', n), 1, 1, 0, 0, '', 1, '\(Self.run)'
                    FROM numbers
                    """)
        }
        return measurement.result(records: records)
    }

    private func write() async throws -> Measurement.Result {
        let store = try openStore()
        guard let digest = RunningDigest(.sha256) else { throw ValidationError("no SHA-256") }
        let measurement = Measurement()
        let reading = Reading(ManifestPages(of: Self.run, in: store))
        while let chunk = try await reading.next() { digest.update(chunk) }
        let result = measurement.result(records: Int(reading.writer.rowCount))
        try await store.close()
        return result
    }

    private func upload() async throws -> Measurement.Result {
        let store = try openStore()
        guard let digest = RunningDigest(.sha256) else { throw ValidationError("no SHA-256") }
        let client = try DroppingCloud().client()
        let measurement = Measurement()
        let first = Reading(ManifestPages(of: Self.run, in: store))
        while let chunk = try await first.next() { digest.update(chunk) }
        let second = Reading(ManifestPages(of: Self.run, in: store))
        _ = try await client.uploadOnce(
            bucket: "manifests", key: ObjectKey("bench.csv"), contentType: "text/csv",
            content: ContentDigest(digest)
        ) { () async throws(any Error) in try await second.next() }
        let result = measurement.result(records: Int(second.writer.rowCount))
        try await store.close()
        return result
    }

    /// As the remediation reads a manifest.
    private final class Reading {
        private var pages: ManifestPages
        private(set) var writer = ManifestWriter(bucket: "orders")

        init(_ pages: ManifestPages) {
            self.pages = pages
        }

        func next() async throws -> [UInt8]? {
            while true {
                if let chunk = writer.takeChunk(atLeast: 1 << 20) { return chunk }
                guard let page = try await pages.next() else { return writer.takeChunk(atLeast: 0) }
                for index in 0..<page.count {
                    let row = page[index]
                    try writer.append(key: row.key, versionID: row.versionID)
                }
            }
        }
    }

    private func readReport() -> Measurement.Result {
        var rows = ""
        for number in 0..<40_000 {
            let outcome =
                number % 3 > 0
                ? "succeeded,200,,success"
                : "failed,403,DstPutObjectNotPermitted,\"Access \"\"denied\"\", by policy\""
            rows +=
                "orders,tenant-0001/2026/11/object%20\(100_000_000 + number).parquet,"
                + "3sL4kqtJlcpXroDTDmJrmSpX\(10_000_000 + number),\(outcome)\r\n"
        }
        let piece = Array(rows.utf8)
        var reader = ReportReader()
        let measurement = Measurement()
        while reader.rowCount < records { _ = reader.feed(piece) }
        return measurement.result(records: Int(reader.rowCount))
    }

    private func openStore() throws -> SQLiteFailureStore {
        try SQLiteFailureStore.open(
            path: place.directory + "/failures.db", writer: .blocking("store"),
            reader: .blocking("store-reader"))
    }
}
