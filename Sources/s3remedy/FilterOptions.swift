internal import ArgumentParser
internal import ControlAPI
internal import Domain

extension ReasonClass: ExpressibleByArgument {}

/// The filters that lists and remediations share.
struct FilterOptions: ParsableArguments {
    @Option(help: "Only failures to this destination bucket.")
    var destination: String?

    @Option(help: "Only this failureReason, such as DstPutObjectNotPermitted.")
    var reason: String?

    @Option(help: "Only reasons of this class (what helps against them).")
    var reasonClass: ReasonClass?

    @Option(help: "Only this s3Operation, such as OBJECT_PUT.")
    var operation: String?

    @Option(help: "Only keys that begin with it.")
    var prefix: String?

    @Option(help: "Only this key.")
    var key: String?

    @Option(help: "Only this version ID (null: the null version).")
    var versionId: String?

    @Option(
        help: "Last failed at or after it: RFC 3339, a UTC date, or an age such as 90m, 24h, 7d.")
    var since: Moment?

    @Option(help: "Last failed before it; as --since.")
    var until: Moment?

    @Option(help: "First failed at or after it; as --since.")
    var firstSince: Moment?

    func filter(at now: Timestamp) -> FailureFilter {
        var filter = FailureFilter()
        filter.destination = destination
        filter.reason = reason
        filter.reasonClass = reasonClass?.rawValue
        filter.operation = operation
        filter.prefix = prefix
        filter.keyEncoded = key.map { ObjectKey($0).encoded }
        filter.version = versionId
        filter.since = since?.timestamp(at: now)
        filter.until = until?.timestamp(at: now)
        filter.firstSince = firstSince?.timestamp(at: now)
        return filter
    }
}

extension FailureFilter {
    /// The query of `GET /v1/failures`.
    var query: [(name: String, value: String)] {
        let all: [(name: String, value: String?)] = [
            ("rule", rule), ("bucket", bucket), ("destination", destination), ("state", state),
            ("reason", reason), ("reasonClass", reasonClass), ("operation", operation),
            ("prefix", prefix), ("keyEncoded", keyEncoded), ("version", version),
            ("since", since?.description), ("until", until?.description),
            ("firstSince", firstSince?.description),
        ]
        return all.compactMap { pair in pair.value.map { (name: pair.name, value: $0) } }
    }

    /// The filters as options of the command line, for people.
    var options: String {
        let names = [
            "keyEncoded": "key", "version": "version-id", "reasonClass": "reason-class",
            "firstSince": "first-since",
        ]
        return query.map { "--\(names[$0.name] ?? $0.name) \(shellWord($0.value))" }
            .joined(separator: " ")
    }
}

/// The text as one word of a shell, for commands that are offered to be copied.
func shellWord(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x61...0x7A).contains(byte) || "-._/:=@%+,".utf8.contains(byte)
    }
    if isPlain && !text.isEmpty { return text }
    guard !text.unicodeScalars.contains(where: needsEscape) else { return "'" + shown(text) + "'" }
    return "'"
        + text.split(separator: "'", omittingEmptySubsequences: false)
        .joined(separator: "'\\''") + "'"
}
