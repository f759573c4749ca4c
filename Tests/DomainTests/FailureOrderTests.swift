import Domain
import TestSupport
import Testing

/// Promise 2 on one failure: every permutation of its failure events ends in the same state.
struct FailureOrderTests {
    static let codes = [
        "DstBucketNotFound", "DstKmsKeyNotFound", "InitiateReplicationNotPermitted", "NewCode",
        "SrcKeyNotFound", "SrcReplicationNotPending", "SrcObjectNotEligible",
    ]

    func start(_ state: FailureState, held: Bool) -> Failure {
        var failure = Failure(firstEvent: failureEvent(at: 1000), state: state)
        if held { failure.remediationID = "run" }
        if state == .parked || state == .verifying { failure.note = "noted" }
        guard state.isClosed else { return failure }
        failure.closedAt = Timestamp(milliseconds: 1003)
        failure.evidenceAt = failure.closedAt
        failure.evidence = .status
        return failure
    }

    func permutations(_ events: [ReplicationEvent]) -> [[ReplicationEvent]] {
        guard let first = events.first else { return [[]] }
        return permutations(Array(events.dropFirst())).flatMap { rest in
            (0...rest.count).map { Array(rest[..<$0]) + [first] + Array(rest[$0...]) }
        }
    }

    func end(_ start: Failure?, _ events: [ReplicationEvent]) -> Failure? {
        var failure = start
        for event in events {
            if failure == nil {
                let kind = reasonClass(of: event.reason ?? "")
                failure = Failure(
                    firstEvent: event, state: Failure.initialState(reasonClass: kind))
            } else {
                _ = failure?.apply(.failed(event))
            }
        }
        failure?.failureCount = 0
        return failure
    }

    @Test func `every permutation of a failure's events ends in the same state`() {
        var random = SeededGenerator(seed: 3)
        var cases = 0
        let starts: [Failure?] =
            [nil, start(.submitted, held: true), start(.verifying, held: true)]
            + FailureState.allCases.map { start($0, held: $0 == .parked) }
        for _ in 0..<40 {
            for start in starts {
                // A remediation's hold on what verifies ends with an event of class ineligible, and then the table
                // tells the order of two events: "parked, then open" is not "stays".
                let isHeld = start?.state == .verifying && start?.remediationID != nil
                let codes = isHeld ? Array(Self.codes.dropLast()) : Self.codes
                let events = (0..<5).map { number in
                    failureEvent(
                        at: Int64.random(in: 998...1006, using: &random), request: "S\(number)",
                        reason: codes.randomElement(using: &random), size: Int64(number))
                }
                let ends = Set(permutations(events).map { end(start, $0) })
                #expect(ends.count == 1, "\(String(describing: start)) \(events)")
                cases += 120
            }
        }
        print("cases \(cases) permutations")
        #expect(cases == 40 * 10 * 120)
    }
}
