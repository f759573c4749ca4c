package import Domain
internal import JSONScanning

/// The list of a completion report's files: `manifest.json`, which S3 writes last, so that its presence says that the
/// report is whole.
///
/// Source: S3 User Guide, "Examples of S3 Batch Operations completion reports". The columns that its `ReportSchema`
/// names are in another order than those of the rows, so it is not read.
package struct CompletionReport: Hashable, Sendable {
    /// One CSV file of rows.
    package struct File: Hashable, Sendable {
        package var bucket: String
        package var key: ObjectKey
        /// Of the file's bytes: 32 lower-case hexadecimal digits.
        package var md5: String
        /// `succeeded` or `failed`, of every row in it.
        package var taskExecutionStatus: String
    }

    /// Bytes of `manifest.json` beyond which it is refused.
    package static let maximumListBytes = 16 * 1024 * 1024
    static let format = "Report_CSV_20180820"

    package var files: [File]
    /// When S3 made it; nil when it does not say.
    package var createdAt: Timestamp?

    /// The key of a job's report list. S3 puts a `/` behind the prefix even where it ends with one.
    package static func listKey(prefix: String, jobID: String) -> ObjectKey {
        ObjectKey(directory(prefix, jobID) + "manifest.json")
    }

    /// Reads the list of a job's report. Every file must lie beside it: a forged list shall not make this daemon
    /// read other objects with its own permissions.
    /// - Parameters:
    ///   - bucket: where the list was.
    ///   - prefix: of the report, as it was given to CreateJob.
    package init(
        parsing bytes: [UInt8], bucket: String, prefix: String, jobID: String
    ) throws(ReportListError) {
        let list: (format: String?, createdAt: String?, files: [File])
        do {
            list = try Self.scan(bytes)
        } catch let error as JSONError {
            throw .malformed("\(error)")
        } catch {
            throw .malformed("a result without Bucket, Key, MD5Checksum or TaskExecutionStatus")
        }
        guard let format = list.format else { throw .malformed("no member Format") }
        guard format == Self.format else { throw .format(String(format.prefix(100))) }
        let directory = Array(Self.directory(prefix, jobID).utf8)
        for file in list.files {
            guard file.bucket == bucket, file.key.bytes.starts(with: directory) else {
                throw .elsewhere("s3://\(file.bucket.prefix(100))/\(file.key.encoded.prefix(300))")
            }
            guard file.md5.utf8.count == 32, file.md5.allSatisfy(\.isHexDigit) else {
                throw .malformed("the MD5Checksum \(file.md5.prefix(100))")
            }
        }
        files = list.files
        createdAt = list.createdAt.flatMap { Timestamp(rfc3339: $0) }
    }

    private static func directory(_ prefix: String, _ jobID: String) -> String {
        (prefix.isEmpty ? "" : prefix + "/") + "job-\(jobID)/"
    }

    private struct IncompleteResult: Error {}

    private static func scan(
        _ bytes: [UInt8]
    ) throws -> (format: String?, createdAt: String?, files: [File]) {
        var scanner = JSONScanner(bytes)
        var format = JSONField()
        var created = JSONField()
        var results = JSONField()
        var files: [File] = []
        try scanner.beginObject()
        while let name = try scanner.nextMember() {
            switch name {
            case "Format": try scanner.read(into: &format)
            case "ReportCreationDate": try scanner.read(into: &created)
            case "Results":
                guard try scanner.enter(.array, &results) else { continue }
                while try scanner.nextElement() { files.append(try file(&scanner)) }
            default: try scanner.skipValue()
            }
        }
        try scanner.finish()
        guard results.value?.kind == .array else { throw IncompleteResult() }
        return (
            format.value.map(scanner.text), created.value.map(scanner.text), files
        )
    }

    private static func file(_ scanner: inout JSONScanner) throws -> File {
        var bucket = JSONField()
        var key = JSONField()
        var md5 = JSONField()
        var status = JSONField()
        try scanner.beginObject()
        while let name = try scanner.nextMember() {
            switch name {
            case "Bucket": try scanner.read(into: &bucket)
            case "Key": try scanner.read(into: &key)
            case "MD5Checksum": try scanner.read(into: &md5)
            case "TaskExecutionStatus": try scanner.read(into: &status)
            default: try scanner.skipValue()
            }
        }
        guard let bucket = bucket.value, let key = key.value, let md5 = md5.value,
            let status = status.value,
            [bucket, key, md5, status].allSatisfy({ $0.kind == .string })
        else { throw IncompleteResult() }
        return File(
            bucket: scanner.text(bucket), key: ObjectKey(bytes: scanner.contents(key)),
            md5: scanner.text(md5).lowercased(), taskExecutionStatus: scanner.text(status))
    }
}

/// A report's `manifest.json` that cannot be used.
package enum ReportListError: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(String)
    /// Another format than this program knows.
    case format(String)
    /// It names a file outside of the job's own folder.
    case elsewhere(String)

    package var description: String {
        switch self {
        case .malformed(let what): "manifest.json of the completion report is malformed: \(what)"
        case .format(let name):
            "the completion report has the format \(name); this version reads \(CompletionReport.format)"
        case .elsewhere(let file):
            "manifest.json of the completion report names \(file), outside of the job's folder: not read"
        }
    }
}
