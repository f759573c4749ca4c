internal import ControlAPI
internal import FoundationEssentials

/// What lists of the control channel hold: JSON with a fixed row of CSV columns, named by their JSON keys
/// (`counts.open` for a key inside an object; arrays are JSON in their cell).
protocol ControlItem: Codable, Sendable {
    static var csvColumns: [String] { get }
}

/// One record of RFC 4180, with its line end.
func csvRecord(_ cells: [String]) -> String {
    cells.map { cell in
        guard cell.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) else { return cell }
        // By scalars: as a Character, a quotation mark with a combining mark is no quotation mark.
        var quoted = String.UnicodeScalarView()
        for scalar in cell.unicodeScalars {
            quoted.append(scalar)
            if scalar == "\"" { quoted.append(scalar) }
        }
        return "\"" + String(quoted) + "\""
    }.joined(separator: ",") + "\r\n"
}

/// The cells of an item, in the order of its columns.
func csvCells<Item: ControlItem>(of item: Item) -> [String] {
    guard let data = try? JSONEncoder().encode(item),
        let value = try? JSONDecoder().decode(JSONValue.self, from: data)
    else { preconditionFailure("JSON of \(Item.self) cannot be read back") }
    return Item.csvColumns.map { value.value(at: $0).cell }
}

extension FailureItem: ControlItem {
    static let csvColumns = [
        "sourceBucket", "ruleId", "destinationBucket", "key", "keyEncoded", "versionId", "state",
        "reason", "reasonClass", "size", "eTag", "operation", "firstFailedAt", "lastFailedAt",
        "failureCount", "remediationId", "lastTask.jobId", "lastTask.status",
        "lastTask.httpStatus", "lastTask.code", "lastTask.message", "lastTask.at", "closedAt",
        "evidence", "note",
    ]
}

extension RuleItem: ControlItem {
    static let csvColumns = [
        "sourceBucket", "ruleId", "region", "counts.open", "counts.submitted",
        "counts.verifying", "counts.replicated", "counts.parked", "counts.gone",
        "counts.dismissed", "openBytes", "oldestOpenAt", "newestFailedAt", "reasons",
        "lag.missedThreshold", "lag.notTracked", "lag.oldestMissedAt",
    ]
}

extension QuarantinedItem: ControlItem {
    static let csvColumns = [
        "id", "receivedAt", "messageId", "queue", "problem", "offset", "bodyEncoded",
    ]
}

extension TimelineItem: ControlItem {
    static let csvColumns = [
        "at", "what", "reason", "remediationId", "jobId", "evidence", "by", "note",
    ]
}

extension RemediationItem: ControlItem {
    static let csvColumns = [
        "id", "sourceBucket", "ruleId", "state", "filter", "canary", "objects", "bytes",
        "estimatedCost.jobsUSD", "estimatedCost.notIncluded", "jobs", "heldBack",
        "outcome.replicated", "outcome.failedAgain", "outcome.gone", "outcome.parked",
        "outcome.verifying", "createdAt", "createdBy", "finishedAt", "problem",
    ]
}

extension PlanReply: ControlItem {
    static let csvColumns = [
        "sourceBucket", "ruleId", "region", "objects", "bytes", "estimatedCost.jobsUSD",
        "estimatedCost.notIncluded", "reasons", "otherRules", "warnings", "plannedAt",
    ]
}

extension StatusReply: ControlItem {
    static let csvColumns = [
        "version", "uptimeSeconds", "state", "queues", "log.bytes", "log.segments",
        "log.appendedLSN", "log.syncedLSN", "log.appliedLSN", "log.paused", "store.failures",
        "store.lagRecords", "store.bytes", "store.schemaVersion", "store.quarantined",
        "store.tooOld",
        "remediations.running", "remediations.queued", "problems",
    ]
}

extension DecisionReply: ControlItem {
    static let csvColumns = ["count", "bytes", "leftOut", "changed"]
}

extension HistogramReply: ControlItem {
    static let csvColumns = ["from", "bucketSeconds", "series", "others"]
}

extension ReasonItem: ControlItem {
    static let csvColumns = ["code", "reasonClass", "meaning", "owner", "fix"]
}

extension QuarantineReply: ControlItem {
    static let csvColumns = ["id", "outcome", "records"]
}
