import AWSProtocol
import Domain
import Foundation

// What a test says and asks.
extension ScriptedCloud {
    /// `/bucket/key?version`.
    static func name(_ path: String, _ query: String) -> String {
        let version = query.split(separator: "&").first { $0.hasPrefix("versionId=") }?
            .dropFirst("versionId=".count)
        return path + "?" + (version ?? "")
    }

    func set(_ key: String, _ version: Version, id: String = "v1", bucket: String = "orders") {
        with { $0.versions["/\(bucket)/\(ObjectKey(key).encoded)?\(id)"] = version }
    }

    /// How often an operation was asked for.
    func count(_ operation: String) -> Int {
        with { state in state.asked.filter { $0.operation == operation }.count }
    }

    var jobs: [Job] { with { $0.jobs } }

    /// The keys of a job's manifest, in its order.
    func manifest(of job: Job) -> [String] {
        let bytes = with { $0.objects["/" + job.manifestKey] } ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { row in
            String(row.split(separator: ",")[1])
        }
    }

    /// Ends a job as Complete with a report: a code for the keys that failed, for the others success.
    /// - Parameter rows: other rows than the manifest's, as `key,version`.
    func complete(
        _ index: Int = 0, failed: [String: String] = [:], status: String = "Complete",
        reported: ((String) -> Bool) = { _ in true }, tasks: Int? = nil, extraRows: [String] = [],
        isDamaged: Bool = false
    ) {
        let keys = manifest(of: jobs[index]).filter(reported)
        let rows =
            keys.map { key in
                failed[key].map { "orders,\(key),v1,failed,403,\($0),it failed\r\n" }
                    ?? "orders,\(key),v1,succeeded,200,,success\r\n"
            } + extraRows.map { "orders,\($0),succeeded,200,,success\r\n" }
        let csv = Array(rows.joined().utf8)
        with { state in
            state.jobs[index].status = status
            state.jobs[index].total = tasks ?? rows.count
            state.jobs[index].failed = keys.filter { failed[$0] != nil }.count
            let directory = "reports/job-\(state.jobs[index].id)"
            state.objects["/reports-bucket/\(directory)/results/a.csv"] = csv
            let md5 = isDamaged ? String(repeating: "0", count: 32) : md5Digits(csv)
            let list = """
                {"Format":"Report_CSV_20180820","ReportCreationDate":"2026-11-24T00:00:00Z","Results":[
                {"TaskExecutionStatus":"succeeded","Bucket":"reports-bucket","MD5Checksum":"\(md5)",
                "Key":"\(directory)/results/a.csv"}],
                "ReportSchema":"Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"}
                """
            state.objects["/reports-bucket/\(directory)/manifest.json"] = Array(list.utf8)
        }
    }

    /// Ends a job without a report.
    func end(_ index: Int = 0, _ status: String, tasks: Int?, reason: String? = nil) {
        with { state in
            state.jobs[index].status = status
            state.jobs[index].total = tasks
            state.jobs[index].failureReason = reason
        }
    }
}

func md5Digits(_ bytes: [UInt8]) -> String { digits(.md5, bytes) }
func sha256Digits(_ bytes: [UInt8]) -> String { digits(.sha256, bytes) }

private func digits(_ algorithm: RunningDigest.Algorithm, _ bytes: [UInt8]) -> String {
    guard let digest = RunningDigest(algorithm) else { return "" }
    digest.update(bytes)
    return digest.hexadecimalDigest()
}

/// RFC 9110, 5.6.7.
func httpDate(_ milliseconds: Int64) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "GMT")
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return format.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
}
