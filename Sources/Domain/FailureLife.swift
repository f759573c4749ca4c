// The life of a failure: the table of the design, as one pure function. Every row of the table is a case of
// `FailureOccurrence`, every cell a branch below; a cell that says nothing leaves the failure as it is.

/// Something that happens to a failure.
package enum FailureOccurrence: Hashable, Sendable {
    /// `OperationFailedReplication`.
    case failed(ReplicationEvent)
    /// `OperationReplicatedAfterThreshold`.
    case replicatedAfterThreshold(at: Timestamp)
    case selected(remediationID: String)
    case rowSucceeded(TaskOutcome)
    /// With the reason that the row names, where it can only be this failure's.
    case rowFailed(TaskOutcome, ReasonClass, reason: String? = nil)
    /// The job was never made, or it ended and its complete report has no row for the failure.
    case leftOut
    /// The job ended and no report is to be had.
    case reportMissing
    case head(HeadFinding)
    /// Closed on its report row: `sample`, or versions of which HEAD tells nothing.
    case closedOnRow(evidence: Evidence, at: Timestamp)
    case dismissed(at: Timestamp, note: String?)
    case reopened(note: String?)
}

/// What a HEAD request for the source version found.
package enum HeadFinding: Hashable, Sendable {
    /// 200 without `x-amz-replication-status`.
    case noStatus
    /// In a storage class that Batch Replication cannot read; only looked at while planning.
    case archived
    /// COMPLETED (or a replica), with the answer's `Date`.
    case completed(at: Timestamp)
    /// FAILED, and it is this failure's.
    case failedOurs
    /// 404, and the version proved absent.
    case absent(at: Timestamp)
}

/// How an occurrence changed a failure.
package enum FailureChange: Hashable, Sendable {
    case none
    /// Only `firstFailedAt` may have changed: an event that is not newer.
    case duplicate
    case changed
}

extension Failure {
    /// Applies one occurrence.
    package mutating func apply(_ occurrence: FailureOccurrence) -> FailureChange {
        switch occurrence {
        case .failed(let event): return applyFailure(event)
        case .replicatedAfterThreshold(let time):
            guard state == .open, time > lastFailedAt else { return .none }
            state = .verifying
        case .selected(let id):
            guard state == .open else { return .none }
            state = .submitted
            remediationID = id
            note = nil
        case .rowSucceeded(let task): return leaveSubmitted(task, to: .verifying)
        case .rowFailed(let task, let kind, let named):
            let next = Failure.stateAfter(kind, otherwise: .open)
            guard leaveSubmitted(task, to: next) == .changed else { return .none }
            reason = named ?? reason
        case .leftOut: return leaveSubmitted(nil, to: .open)
        case .reportMissing: return leaveSubmitted(nil, to: .verifying)
        case .head(let finding): return applyHead(finding)
        case .closedOnRow(let evidence, let time):
            guard state == .verifying, lastFailedAt < time else { return .none }
            close(as: .replicated, evidence, at: time)
        case .dismissed(let time, let text):
            guard [.open, .verifying, .parked].contains(state) else { return .none }
            close(as: .dismissed, .operator, at: time)
            note = text
        case .reopened(let text):
            guard state.isClosed || state == .parked else { return .none }
            reopen()
            note = text
        }
        return .changed
    }

    /// The state in which a failure begins.
    package static func initialState(reasonClass: ReasonClass) -> FailureState {
        stateAfter(reasonClass, otherwise: .open)
    }

    private static func stateAfter(_ kind: ReasonClass, otherwise: FailureState) -> FailureState {
        switch kind {
        case .ineligible: .parked
        case .gone, .done: .verifying
        case .fix, .kms, .job, .unknown: otherwise
        }
    }

    private mutating func applyFailure(_ event: ReplicationEvent) -> FailureChange {
        firstFailedAt = min(firstFailedAt, event.eventTime)
        let order = EventOrder(time: event.eventTime, requestID: event.requestID)
        guard order > lastEvent else { return .duplicate }
        lastFailedAt = event.eventTime
        lastRequestID = event.requestID
        failureCount += 1
        reason = event.reason ?? ""
        size = event.size
        operation = event.operation
        eTag = event.eTag
        sequencer = event.sequencer
        let kind = reasonClass(of: reason)
        let next = Failure.stateAfter(kind, otherwise: .open)
        switch state {
        case .submitted: break
        case .verifying where next == .verifying || (next == .open && remediationID != nil):
            note = nil
        case .replicated, .gone, .dismissed:
            if let evidenceAt, event.eventTime <= evidenceAt { break }
            begin(in: next)
        case .open, .verifying, .parked: begin(in: next)
        }
        return .changed
    }

    private mutating func leaveSubmitted(
        _ task: TaskOutcome?, to next: FailureState
    ) -> FailureChange {
        guard state == .submitted else { return .none }
        lastTask = task ?? lastTask
        next == .open ? reopen() : (state = next)
        return .changed
    }

    private mutating func applyHead(_ finding: HeadFinding) -> FailureChange {
        switch finding {
        case .noStatus:
            guard state == .verifying else { return .none }
            reopen()
            note = "notEligibleNow"
        case .archived:
            guard state == .open else { return .none }
            state = .parked
            note = "archived"
        case .completed(let time):
            switch state {
            case .open, .submitted, .verifying, .parked:
                guard lastFailedAt < time else {
                    guard state == .verifying else { return .none }
                    reopen()
                    return .changed
                }
                close(as: .replicated, .status, at: time)
            case .replicated, .gone, .dismissed: return .none
            }
        case .failedOurs:
            guard state == .verifying else { return .none }
            reopen()
        case .absent(let time):
            guard state != .gone else { return .none }
            close(as: .gone, .absent, at: time)
        }
        return .changed
    }

    private mutating func close(as next: FailureState, _ proof: Evidence, at time: Timestamp) {
        state = next
        closedAt = time
        evidence = proof
        evidenceAt = time
        note = nil
    }

    private mutating func reopen() { begin(in: .open) }

    /// A new beginning: what was proof of the last closure is none any more, no remediation holds it, and what was
    /// noted spoke of the past.
    private mutating func begin(in next: FailureState) {
        state = next
        remediationID = nil
        closedAt = nil
        evidence = nil
        evidenceAt = nil
        note = nil
    }
}
