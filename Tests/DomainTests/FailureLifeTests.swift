import Domain
import TestSupport
import Testing

/// The rows of the table that the thin remediation uses; each test names the promise that it keeps.
struct FailureLifeTests {
    func failure(_ state: FailureState, at time: Int64 = 1000) -> Failure {
        var failure = Failure(firstEvent: failureEvent(at: time), state: .open)
        failure.state = state
        return failure
    }

    func newer(_ time: Int64, _ reason: String = "DstBucketNotFound") -> FailureOccurrence {
        .failed(failureEvent(at: time, reason: reason))
    }

    @Test func `a success that is older than the last failure does not close it`() {
        var open = failure(.open)
        #expect(open.apply(.head(.completed(at: Timestamp(milliseconds: 1000)))) == .none)
        #expect(open.state == .open)
        var verifying = failure(.verifying)
        #expect(verifying.apply(.head(.completed(at: Timestamp(milliseconds: 1000)))) == .changed)
        #expect(verifying.state == .open)
    }

    @Test func `a success that is newer closes with its evidence`() {
        for state in [FailureState.open, .submitted, .verifying, .parked] {
            var failure = failure(state)
            let time = Timestamp(milliseconds: 2000)
            #expect(failure.apply(.head(.completed(at: time))) == .changed)
            #expect(failure.state == .replicated)
            #expect(failure.evidence == .status)
            #expect(failure.closedAt == time)
        }
    }

    @Test func `an event newer than the evidence reopens, an older one is counted only`() {
        var closed = failure(.verifying)
        _ = closed.apply(.head(.completed(at: Timestamp(milliseconds: 5000))))
        var counted = closed
        #expect(counted.apply(newer(4000)) == .changed)
        #expect(counted.state == .replicated)
        #expect(counted.failureCount == 2)
        var reopened = closed
        #expect(reopened.apply(newer(5001)) == .changed)
        #expect(reopened.state == .open)
        #expect(reopened.evidence == nil)
    }

    @Test func `an event that is not newer moves only firstFailedAt`() {
        var open = failure(.open)
        #expect(open.apply(newer(900, "Other")) == .duplicate)
        #expect(open.firstFailedAt == Timestamp(milliseconds: 900))
        #expect(open.reason == "DstBucketNotFound")
        #expect(open.failureCount == 1)
    }

    @Test func `ties of eventTime go to the request ID, bytewise`() {
        var open = failure(.open)
        #expect(open.apply(.failed(failureEvent(request: "Q", reason: "X"))) == .duplicate)
        #expect(open.apply(.failed(failureEvent(request: "S", reason: "X"))) == .changed)
        #expect(open.reason == "X")
    }

    @Test func `a failure during the job stays submitted and is not closed by its older success`() {
        var submitted = failure(.open)
        _ = submitted.apply(.selected(remediationID: "r"))
        #expect(submitted.apply(newer(3000)) == .changed)
        #expect(submitted.state == .submitted)
        #expect(submitted.apply(.reportMissing) == .changed)
        _ = submitted.apply(.head(.completed(at: Timestamp(milliseconds: 2999))))
        #expect(submitted.state == .open)
    }

    @Test func `classes decide where a failure begins`() {
        #expect(Failure.initialState(reasonClass: .fix) == .open)
        #expect(Failure.initialState(reasonClass: .kms) == .open)
        #expect(Failure.initialState(reasonClass: .job) == .open)
        #expect(Failure.initialState(reasonClass: .unknown) == .open)
        #expect(Failure.initialState(reasonClass: .ineligible) == .parked)
        #expect(Failure.initialState(reasonClass: .gone) == .verifying)
        #expect(Failure.initialState(reasonClass: .done) == .verifying)
    }
}
