package import Domain

/// A row of a completion report, as a remediation takes it in.
package struct ReportedTask: Sendable {
    package var version: ObjectVersion
    package var task: TaskOutcome
    /// Of the code, where the task failed.
    package var kind: ReasonClass
    /// The code, where it can only be this rule's reason.
    package var reason: String?

    package init(version: ObjectVersion, task: TaskOutcome, kind: ReasonClass, reason: String?) {
        self.version = version
        self.task = task
        self.kind = kind
        self.reason = reason
    }

    var occurrence: FailureOccurrence {
        task.status == "succeeded" ? .rowSucceeded(task) : .rowFailed(task, kind, reason: reason)
    }
}

/// Which of the waiting failures are asked for.
package enum VerificationQuestion: Sendable {
    case all
    /// Those that no HEAD has looked at yet.
    case untried
    /// Those that were still pending when they were looked at.
    case tried
}

/// A failure whose HEAD is due.
package struct DueVerification: Sendable {
    package var stored: StoredFailure
    /// Of its source bucket.
    package var region: String
    /// HEADs that decided nothing.
    package var tries: Int64

    package init(stored: StoredFailure, region: String, tries: Int64) {
        self.stored = stored
        self.region = region
        self.tries = tries
    }
}

/// What came of looking at a failure's version.
package struct VerificationResult: Sendable {
    package var identity: FailureIdentity
    /// Nil when nothing is decided.
    package var occurrence: FailureOccurrence?
    /// Why it still waits.
    package var note: String?
    /// When to look again, should it still wait.
    package var retryAt: Timestamp?

    package init(
        identity: FailureIdentity, occurrence: FailureOccurrence?, note: String? = nil,
        retryAt: Timestamp? = nil
    ) {
        self.identity = identity
        self.occurrence = occurrence
        self.note = note
        self.retryAt = retryAt
    }
}
