/// Where a failure stands in its life. Raw values are stored: never change one.
package enum FailureState: Int, Codable, Sendable, CaseIterable, Hashable {
    /// Failed and waiting for a repair.
    case open = 0
    /// Selected for a running remediation.
    case submitted = 1
    /// Waiting for what S3 says of the version (`x-amz-replication-status`).
    case verifying = 2
    /// Closed: S3 said COMPLETED.
    case replicated = 3
    /// Batch Replication cannot help; kept in sight.
    case parked = 4
    /// Closed: the source version does not exist any more.
    case gone = 5
    /// Closed by an operator.
    case dismissed = 6

    /// The word of the control channel and the command line.
    package var name: String {
        switch self {
        case .open: "open"
        case .submitted: "submitted"
        case .verifying: "verifying"
        case .replicated: "replicated"
        case .parked: "parked"
        case .gone: "gone"
        case .dismissed: "dismissed"
        }
    }

    package init?(name: some StringProtocol) {
        guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = state
    }

    /// Closed failures fall under the store's retention and carry `closedAt` and `evidence`.
    package var isClosed: Bool { self == .replicated || self == .gone || self == .dismissed }
}

/// What closed a failure. Raw values are stored: never change one.
package enum Evidence: Int, Sendable, CaseIterable {
    /// The `x-amz-replication-status` of the source version.
    case status = 1
    /// The version was proved absent.
    case absent = 2
    /// Every sampled version of the remediation said COMPLETED.
    case sample = 3
    /// Only the completion report's row: S3 tells nothing of the version.
    case report = 4
    case `operator` = 5

    package var name: String {
        switch self {
        case .status: "status"
        case .absent: "absent"
        case .sample: "sample"
        case .report: "report"
        case .operator: "operator"
        }
    }
}
