/// Which failures: every condition that is set must hold. The typed form of the filters of the control channel.
package struct FailureSelection: Codable, Hashable, Sendable {
    package var rule: RuleName?
    package var bucket: String?
    package var destination: String?
    package var state: FailureState?
    package var reason: String?
    package var reasonClass: ReasonClass?
    package var operation: String?
    /// The key begins with these bytes.
    package var prefix: ObjectKey?
    package var key: ObjectKey?
    package var version: String?
    /// Bounds of `lastFailedAt`: at or after `since`, before `until`.
    package var since: Timestamp?
    package var until: Timestamp?
    /// Bounds of `firstFailedAt`: at or after `firstSince`, at or before `firstUntil` (a plan's moment).
    package var firstSince: Timestamp?
    package var firstUntil: Timestamp?
    /// Only these object versions.
    package var objects: [ObjectVersion]?

    package init() {}
}

/// One version of an object in a bucket that is known.
package struct ObjectVersion: Hashable, Comparable, Sendable {
    package var key: ObjectKey
    /// `null` for the null version.
    package var versionID: String

    package init(key: ObjectKey, versionID: String) {
        self.key = key
        self.versionID = versionID
    }

    package static func == (left: ObjectVersion, right: ObjectVersion) -> Bool {
        left.key == right.key && ExactText(left.versionID) == ExactText(right.versionID)
    }

    /// In the order of the store: by bytes.
    package static func < (left: ObjectVersion, right: ObjectVersion) -> Bool {
        left.key == right.key
            ? ExactText(left.versionID) < ExactText(right.versionID) : left.key < right.key
    }
}

extension ObjectVersion: Codable {
    /// As the control channel has them: a key of bytes would be five times as long.
    private enum Member: String, CodingKey { case keyEncoded, versionId }

    package init(from decoder: any Decoder) throws {
        let stored = try decoder.container(keyedBy: Member.self)
        let encoded = try stored.decode(String.self, forKey: .keyEncoded)
        guard let key = ObjectKey(encoded: encoded) else {
            throw DecodingError.dataCorruptedError(
                forKey: .keyEncoded, in: stored, debugDescription: "the key is badly encoded")
        }
        self.init(key: key, versionID: try stored.decode(String.self, forKey: .versionId))
    }

    package func encode(to encoder: any Encoder) throws {
        var stored = encoder.container(keyedBy: Member.self)
        try stored.encode(key.encoded, forKey: .keyEncoded)
        try stored.encode(versionID, forKey: .versionId)
    }
}
