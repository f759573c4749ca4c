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

    package init() {}
}
