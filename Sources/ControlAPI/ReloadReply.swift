/// The answer of `POST /v1/reload`: every key in which the file differs from what runs.
package struct ReloadReply: Codable, Sendable {
    package enum Applies: String, Codable, Sendable {
        /// In effect by now.
        case now
        /// Only at the next start.
        case restart
    }

    package struct Change: Codable, Sendable {
        /// Such as `wal.maxBytes`.
        package var key: String
        /// As the file would say it; absent for what is not set.
        package var from: String?
        package var to: String?
        package var applies: Applies

        package init(key: String, from: String?, to: String?, applies: Applies) {
            self.key = key
            self.from = from
            self.to = to
            self.applies = applies
        }
    }

    /// The configuration file.
    package var file: String
    package var changes: [Change]

    package init(file: String, changes: [Change]) {
        self.file = file
        self.changes = changes
    }
}
