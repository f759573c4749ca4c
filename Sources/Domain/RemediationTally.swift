/// What became of a remediation's failures, counted with every change of theirs, also after its end and by others.
package struct RemediationTally: Sendable, Equatable {
    /// Where a selected failure stands, or how it left. Raw values are stored: never change one.
    package enum Fate: Int, Sendable, CaseIterable {
        /// Held: waits for its row.
        case submitted = 0
        /// Held: waits for a HEAD.
        case verifying = 1
        case replicated = 2
        /// Open again by S3's word: a failed row, a status, a newer event.
        case failedAgain = 3
        case gone = 4
        case parked = 5
        case dismissed = 6
        /// Open again because the job never got it.
        case returned = 7

        package var isHeld: Bool { self == .submitted || self == .verifying }
    }

    /// Failures that fail for the same reason at the same place: what heals one heals all.
    package struct Group: Hashable, Sendable, Codable {
        package var reason: String
        package var destinationBucket: String

        package init(reason: String, destinationBucket: String) {
            self.reason = reason
            self.destinationBucket = destinationBucket
        }

        /// Byte for byte: Swift takes different spellings of one text for the same.
        package static func == (left: Group, right: Group) -> Bool {
            ExactText(left.reason) == ExactText(right.reason)
                && ExactText(left.destinationBucket) == ExactText(right.destinationBucket)
        }
    }

    package var counts: [Group: [Fate: Int64]] = [:]

    package init() {}

    package subscript(fate: Fate) -> Int64 {
        counts.values.reduce(0) { $0 + ($1[fate] ?? 0) }
    }
}

extension RemediationRun {
    /// The canary: some failures of each group, sent first.
    package struct Canary: Codable, Sendable, Equatable {
        /// What is still to be selected of a group.
        package struct Share: Codable, Sendable, Equatable {
            package var group: RemediationTally.Group
            package var left: Int
        }

        /// Not yet selected, one group after the other.
        package var shares: [Share]
        /// The groups that the main job takes; nil as long as the canary is under way.
        package var passed: [RemediationTally.Group]?
        /// Left open by the main selection, by group.
        package var heldBack: [HeldBack] = []

        package var isOver: Bool { passed != nil }
    }

    package struct HeldBack: Codable, Sendable, Equatable {
        package var group: RemediationTally.Group
        package var objects: Int64

        package init(group: RemediationTally.Group, objects: Int64) {
            self.group = group
            self.objects = objects
        }
    }
}

extension RemediationRun.Canary {
    /// `wanted` objects over the groups: one of each, more where there are more, never more than there are.
    package init(wanted: Int, of groups: [(group: RemediationTally.Group, objects: Int64)]) {
        let present = groups.filter { $0.objects > 0 }
        let total = present.reduce(0.0) { $0 + Double($1.objects) }
        let beyond = max(0, wanted - present.count)
        shares = present.map { group, objects in
            let more = Int(Double(beyond) * Double(objects) / total)
            return Share(group: group, left: Int(min(objects, Int64(1 + more))))
        }
        var rest = wanted - shares.reduce(0) { $0 + $1.left }
        for index in shares.indices where rest > 0 {
            let room = present[index].objects - Int64(shares[index].left)
            let more = Int(min(Int64(rest), room))
            shares[index].left += more
            rest -= more
        }
    }

    /// The groups of which at least one object is proved replicated, and none failed or is still pending.
    package static func passed(_ tally: RemediationTally) -> [RemediationTally.Group] {
        tally.counts.filter { _, fates in
            fates[.replicated] ?? 0 > 0
                && [.submitted, .verifying, .failedAgain].allSatisfy { fates[$0] ?? 0 == 0 }
        }.map(\.key).sorted {
            ($0.destinationBucket, $0.reason) < ($1.destinationBucket, $1.reason)
        }
    }
}

extension RemediationRun {
    /// The brake's bounds: more than 100 and more than a tenth.
    package static func isTooMuchGone(_ gone: Int64, of all: Int64) -> Bool {
        gone > 100 && gone * 10 > all
    }
}
