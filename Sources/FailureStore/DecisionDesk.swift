package import Domain

/// Why a decision changed nothing.
package enum DecisionRefusal: Error, Equatable, Sendable {
    /// Another number of failures matches than was expected.
    case countChanged(String)
    /// No failure matches that the decision could change.
    case nothingToDo(String)
    case refused(String)
    case store(StoreFailure)
}

/// What a decision did, or would do.
package struct DecisionOutcome: Sendable, Equatable {
    /// Failures that match and that the decision can change, as counted at the beginning.
    package var failures: Int64
    package var bytes: Int64
    /// Failures that match, but are in a state that the decision leaves as it is.
    package var leftOut: [FailureState: Int64]
    /// Less than `failures` where something else happened to a failure in between; 0 on a dry run.
    package var changed: Int64
}

/// Counts what an operator's decision would change, compares, and changes just that, in short transactions.
package struct DecisionDesk: Sendable {
    package static let maximumNoteBytes = 1024

    private let store: any FailureStoring

    package init(store: any FailureStoring) {
        self.store = store
    }

    /// - Parameter expectedCount: from a dry run; any other count changes nothing.
    package func decide(
        _ decision: OperatorDecision, _ selection: FailureSelection, isDryRun: Bool = false,
        expectedCount: Int64? = nil
    ) async throws(DecisionRefusal) -> DecisionOutcome {
        let survey: DecisionSurvey
        do throws(StoreFailure) {
            survey = try await store.survey(decision, selection)
        } catch { throw .store(error) }
        try check(survey, decision, isDryRun: isDryRun, expectedCount)
        var outcome = DecisionOutcome(
            failures: survey.failures, bytes: survey.bytes, leftOut: survey.leftOut, changed: 0)
        guard !isDryRun else { return outcome }
        var cursor: String?
        repeat {
            do throws(StoreFailure) {
                let step = try await store.carryOut(
                    decision, selection, counted: survey, after: cursor)
                outcome.changed += Int64(step.changed)
                cursor = step.nextCursor
            } catch { throw .store(error) }
        } while cursor != nil
        return outcome
    }

    private func check(
        _ survey: DecisionSurvey, _ decision: OperatorDecision, isDryRun: Bool, _ expected: Int64?
    ) throws(DecisionRefusal) {
        if survey.isTooLong {
            throw .refused(
                "more than \(DecisionSurvey.maximumFailures) failures match: select fewer at a time, "
                    + "by prefix, destination, reason or time")
        }
        if let expected, survey.failures != expected {
            throw .countChanged(
                "\(expected) failures were expected and \(survey.failures) match now: nothing was "
                    + "changed; look again (dryRun)")
        }
        guard survey.failures > 0 || isDryRun else {
            throw .nothingToDo(
                "no failure matches that can be \(decision.kind == .dismiss ? "dismissed" : "reopened")"
            )
        }
    }
}
