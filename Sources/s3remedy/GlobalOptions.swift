internal import ArgumentParser
internal import Domain
internal import FoundationEssentials
internal import Glibc

enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case table, json, ndjson, csv
}

/// What every verb takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "table for people; json (a list is one array), ndjson and csv are exact and complete."
    )
    var output = OutputFormat.table

    @Option(
        help: ArgumentHelp(
            "The daemon's control socket (else S3REMEDY_SOCKET, else \(defaultSocket)).",
            valueName: "path"))
    var socket: String?

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    static let defaultSocket = "/run/s3remedy/control.sock"

    /// A path is bounded by `sun_path`: 108 bytes with the closing zero (unix(7)).
    func validate() throws {
        guard (1...107).contains(socketPath.utf8.count) else {
            throw ValidationError(
                "A socket's path has 1 to 107 bytes; '\(shown(socketPath))' has \(socketPath.utf8.count)."
            )
        }
    }

    /// For a verb that asks before it changes something.
    func checkConfirmation(isDryRun: Bool? = nil) throws {
        guard isDryRun ?? false || yes || isatty(0) == 1 else {
            throw ValidationError(
                "Standard input is no terminal, so nobody can confirm "
                    + (isDryRun == nil
                        ? "it: add --yes." : "the plan: add --yes, or --dry-run to see it."))
        }
    }

    var socketPath: String {
        socket ?? ProcessInfo.processInfo.environment["S3REMEDY_SOCKET"].flatMap {
            $0.isEmpty ? nil : $0
        } ?? Self.defaultSocket
    }
}

/// `BUCKET/RULE-ID`; a bucket's name has no slash, a rule ID may have some.
struct RuleName: ExpressibleByArgument, Sendable {
    let bucket: String
    let ruleID: String

    init?(argument: String) {
        let parts = argument.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        bucket = String(parts[0])
        ruleID = String(parts[1])
    }

    /// Asks the daemon. Rule IDs come from messages and bash expands what it completes, so an ID with other than these
    /// characters is left out. No single quotes: ArgumentParser's zsh script breaks on them.
    static var defaultCompletionKind: CompletionKind {
        .shellCommand(
            "s3remedy rules -o csv 2>/dev/null"
                + #" | sed -nE "s|^([a-z0-9.-]+),([A-Za-z0-9._-]+),.*|\1/\2|p""#)
    }

    var text: String { bucket + "/" + ruleID }
    var path: String { "/v1/rules/\(segment(bucket))/\(segment(ruleID))" }
}

/// A moment as RFC 3339, as a UTC date (`2026-11-24`), or as a time ago (`90m`, `24h`, `7d`).
struct Moment: ExpressibleByArgument, Sendable {
    enum Form: Sendable {
        case at(Timestamp)
        case ago(milliseconds: Int64)
    }

    let form: Form

    init?(argument: String) {
        if let exact = Timestamp(rfc3339: argument)
            ?? Timestamp(rfc3339: argument + "T00:00:00Z")
        {
            form = .at(exact)
            return
        }
        let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let unit = argument.last.flatMap({ units[$0] }),
            let count = Int64(argument.dropLast()), count >= 0, count < 1_000_000_000
        else { return nil }
        form = .ago(milliseconds: count * unit)
    }

    func timestamp(at now: Timestamp) -> Timestamp {
        switch form {
        case .at(let moment): moment
        case .ago(let milliseconds): now.advanced(byMilliseconds: -milliseconds)
        }
    }
}

/// The number of items that a list shows at most.
struct LimitOption: ParsableArguments {
    @Option(help: "Show at most so many (table: 100 unless given; other outputs: all).")
    var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1, not \(limit).") }
    }
}
