internal import ArgumentParser
internal import ControlAPI
internal import Domain

struct FailuresShowVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows every failure of an object in full, and what happened to it.",
        discussion: """
            Without VERSION, all versions of the object. -o json adds each version's timeline; ndjson and csv hold \
            the failures alone.

            Examples: s3remedy failures show orders 2026/11/invoice.pdf
                      s3remedy failures show --encoded orders 'odd%0Akey' null
            """)

    @Argument(help: "The source bucket.")
    var bucket: String

    @Argument(help: "The object's key.")
    var key: String

    @Argument(help: "The version ID (null: the null version).")
    var version: String?

    @Flag(
        help: "KEY is percent-encoded, as keyEncoded in -o json: for keys that no shell can hold.")
    var encoded = false

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard !encoded || ObjectKey(encoded: key) != nil else {
            throw ValidationError("KEY '\(shown(key))' has a % without two hexadecimal digits.")
        }
    }

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        var filter = FailureFilter()
        filter.bucket = bucket
        filter.keyEncoded = (encoded ? ObjectKey(encoded: key) : ObjectKey(key))?.encoded
        filter.version = version
        let failures: [FailureItem] = try await session.client.all("/v1/failures", filter.query)
        guard !failures.isEmpty else {
            let version = version.map { " version " + shown($0) } ?? ""
            throw .notFound(
                "no failure of \(shown(bucket))/\(shown(key))\(version) is known. "
                    + "Near it: s3remedy failures list --state all --bucket \(shellWord(bucket))"
                    + " --prefix \(shellWord(key))")
        }
        switch session.format {
        case .table, .json: try await show(failures, filter, session)
        case .ndjson, .csv:
            var writer = ItemWriter<FailureItem>(output: session.output, format: session.format)
            try writer.write(failures)
        }
        return .ok
    }

    private func show(
        _ failures: [FailureItem], _ filter: FailureFilter, _ session: Session
    ) async throws(CommandFailure) {
        var story = ObjectStory(failures: failures, versions: [])
        for version in failures.map({ ExactText($0.versionId) }).uniqued().map(\.text) {
            let query = [
                (name: "bucket", value: bucket),
                (name: "keyEncoded", value: filter.keyEncoded ?? ""),
                (name: "version", value: version),
            ]
            let timeline: [TimelineItem] = try await session.client.all(
                "/v1/failures/timeline", query)
            story.versions.append(.init(versionId: version, timeline: timeline))
        }
        try session.output.write(
            session.format == .json
                ? prettyJSON(story) + "\n"
                : story.lines(session).map { $0 + "\n" }.joined())
    }
}

/// `failures show -o json`.
struct ObjectStory: Codable, Sendable {
    struct Version: Codable, Sendable {
        var versionId: String
        var timeline: [TimelineItem]
    }

    var failures: [FailureItem]
    var versions: [Version]

    func lines(_ session: Session) -> [String] {
        var lines = failures.flatMap { $0.lines(session) + [""] }
        for version in versions {
            lines.append(
                session.output.styled("Timeline of version \(shown(version.versionId))", .bold))
            lines += session.output.fields(version.timeline.map(\.field))
        }
        let open = failures.first { $0.state == FailureState.open.name }
        let rule = shellWord((open ?? failures[0]).ruleName)
        return lines
            + session.output.next(
                open == nil ? "s3remedy rules \(rule)" : "s3remedy remediate \(rule) --dry-run")
    }
}

extension FailureItem {
    var ruleName: String { sourceBucket + "/" + ruleId }

    /// Every field in full.
    func lines(_ session: Session) -> [String] {
        session.output.fields([
            ("Key", shown(key)), ("Encoded", shown(keyEncoded)), ("Version", shown(versionId)),
            ("Rule", shown(ruleName)), ("Destination", shown(destinationBucket)),
            ("State", shown(state)),
            ("Reason", shown(reason ?? "not given") + " (\(shown(reasonClass)))"),
            ("Size", size.map { "\(s3remedy.size($0)) (\(counted($0, "byte")))" }),
            ("ETag", eTag.map(shown)), ("Operation", operation.map(shown)),
            ("First failed", session.moment(firstFailedAt)),
            ("Last failed", session.moment(lastFailedAt)),
            ("Failures", grouped(failureCount)),
            ("Remediation", remediationId.map(shown)),
            ("Last task", lastTask.map { $0.text(session) }),
            ("Closed", session.moment(closedAt)), ("Evidence", evidence.map(shown)),
            ("Note", note.map(shown)),
        ])
    }
}

extension FailureItem.Task {
    func text(_ session: Session) -> String {
        let parts = [
            shown(status), httpStatus.map { "HTTP \($0)" }, code.map(shown), message.map(shown),
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
            + "; job \(shown(jobId)), \(momentAndAge(at, at: session.now))"
    }
}

extension TimelineItem {
    /// When and what, and the details.
    var field: (name: String, value: String?) {
        let details = [
            reason, evidence.map { "evidence " + $0 }, remediationId.map { "remediation " + $0 },
            jobId.map { "job " + $0 }, by.map { "by " + $0 }, note.map { "note " + $0 },
        ].compactMap(\.self).map(shown)
        return ("  \(at)  \(shown(what))", details.joined(separator: ", "))
    }
}

/// The command that shows the failure's object, safe to be copied; with the version where that fits `width`.
func showCommand(for item: FailureItem, width: Int) -> String {
    let isOdd = item.key.unicodeScalars.contains { needsEscape($0) || $0 == "\u{fffd}" }
    let key = isOdd ? item.keyEncoded : item.key
    let dashes = [key, item.versionId].contains { $0.hasPrefix("-") } ? "-- " : ""
    let command =
        "s3remedy failures show " + (isOdd ? "--encoded " : "") + dashes
        + shellWord(item.sourceBucket) + " " + shellWord(key)
    let whole = command + " " + shellWord(item.versionId)
    return displayWidth("Next: " + whole) <= width ? whole : command
}

extension Sequence where Element: Hashable {
    /// Each element once, in the order of its first place.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
