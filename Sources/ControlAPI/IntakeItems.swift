package import Domain

/// The body of `POST /v1/intake/pause`; an empty object pauses for an hour.
package struct PauseRequest: Codable, Sendable {
    package static let members = ["durationSeconds"]
    /// Longer pauses are refused: SQS keeps messages for 4 days unless told otherwise.
    package static let maximumSeconds = 12 * 3600
    package static let defaultSeconds = 3600

    /// From now on, 1 to 43,200.
    package var durationSeconds: Int?

    package init(durationSeconds: Int? = nil) {
        self.durationSeconds = durationSeconds
    }
}

/// The answer of `POST /v1/intake/pause` and `/resume`.
package struct IntakeReply: Codable, Sendable {
    /// `paused` or `running`.
    package var state: String
    package var pausedUntil: Timestamp?

    package init(pausedUntil: Timestamp?) {
        state = pausedUntil == nil ? "running" : "paused"
        self.pausedUntil = pausedUntil
    }
}
