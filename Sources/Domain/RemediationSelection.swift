// Which failures a run takes next: a share of its canary, all that match, or after a canary those of its groups.

extension RemediationRun {
    /// The next step of the selection.
    package struct SelectionStep: Sendable {
        package var selection: FailureSelection
        package var limit: Int
        /// Whether there is anything to select: false for a canary whose shares are all taken.
        package var isMore: Bool
    }

    /// Nil when the canary has taken all its shares.
    package func nextSelection(limit: Int) -> SelectionStep? {
        var wanted = selection
        wanted.rule = rule
        wanted.state = .open
        guard role == .canary else {
            return SelectionStep(selection: wanted, limit: limit, isMore: false)
        }
        guard let share = canary?.shares.first else { return nil }
        wanted.reason = share.group.reason
        wanted.destination = share.group.destinationBucket
        return SelectionStep(selection: wanted, limit: min(limit, share.left), isMore: true)
    }

    /// Whether the run takes a failure that its selection found. What a canary's group holds back is counted.
    package mutating func takes(_ identity: FailureIdentity, _ failure: Failure) -> Bool {
        guard let passed = canary?.passed else { return true }
        let group = RemediationTally.Group(
            reason: failure.reason, destinationBucket: identity.destinationBucket)
        if passed.contains(group) { return true }
        // A canary object that failed was tried, not held back.
        let wasCanary = failure.lastTask.map { task in jobs.contains { $0.jobID == task.jobID } }
        guard wasCanary != true else { return false }
        if let index = canary?.heldBack.firstIndex(where: { $0.group == group }) {
            canary?.heldBack[index].objects += 1
        } else {
            canary?.heldBack.append(HeldBack(group: group, objects: 1))
        }
        return false
    }

    /// Counts a failure that was selected.
    package mutating func count(_ failure: Failure) {
        objects += 1
        let (sum, overflow) = bytes.addingReportingOverflow(failure.size ?? 0)
        bytes = overflow ? .max : sum
        guard role == .canary, canary?.shares.isEmpty == false else { return }
        canary?.shares[0].left -= 1
    }

    /// Takes away the first share once it is filled, or nothing is left to fill it with.
    package mutating func canaryShareIsOver(pageIsLast: Bool) -> Bool {
        guard role == .canary, let share = canary?.shares.first else { return false }
        guard pageIsLast || share.left <= 0 else { return false }
        canary?.shares.removeFirst()
        return true
    }
}
