import Domain
import TestSupport
import Testing

/// The table of the design's section 2, row by row and column by column, every cell asserted.
struct FailureLifeTableTests {
    /// What a cell says.
    enum Cell: Sendable {
        /// "–", or nothing: the failure is left as it is.
        case nothing
        case to(FailureState)
        /// The state stays, lastFailedAt rises.
        case rises
        /// lastFailedAt rises; stays if a remediation holds it, else this state.
        case heldElse(FailureState)
        /// Newer than the evidence: this state; else counted only.
        case newer(FailureState)
        /// Class ineligible: parked; gone or done: verifying; else open.
        case byClass
    }

    /// What happens, at a time that the cell chooses where it may.
    struct Happening: Sendable {
        var name: String
        var kind: ReasonClass?
        var occurrence: @Sendable (Int64) -> FailureOccurrence
    }

    struct Row: Sendable {
        var happenings: [Happening]
        var open: Cell
        var submitted: Cell
        var verifying: Cell
        var closed: Cell
        var parked: Cell
        var new: Cell
    }

    // The failure's newest event, the evidence of closed ones, and what happens: two before the evidence, one after.
    static let lastFailed: Int64 = 1000
    static let evidenceTime: Int64 = 5000
    static let later: Int64 = 7000

    static let codes: [(ReasonClass, String)] = [
        (.fix, "DstBucketNotFound"), (.kms, "DstKmsKeyNotFound"),
        (.job, "InitiateReplicationNotPermitted"), (.unknown, "NewCode"),
        (.ineligible, "SrcObjectNotEligible"), (.gone, "SrcKeyNotFound"),
        (.done, "SrcReplicationNotPending"),
    ]

    static func failed(_ kinds: ReasonClass...) -> [Happening] {
        codes.filter { kinds.contains($0.0) }.map { kind, code in
            Happening(name: "failed \(code)", kind: kind) {
                .failed(failureEvent(at: $0, request: "S", reason: code, size: 99))
            }
        }
    }

    static func one(
        _ name: String, _ occurrence: @escaping @Sendable (Timestamp) -> FailureOccurrence
    ) -> [Happening] {
        [Happening(name: name) { occurrence(Timestamp(milliseconds: $0)) }]
    }

    static func task(_ status: String) -> TaskOutcome {
        TaskOutcome(
            jobID: "job", status: status, httpStatus: 200, code: "C", message: nil,
            at: Timestamp(milliseconds: 1))
    }

    static let rowFailed: [Happening] = ReasonClass.allCases.map { kind in
        Happening(name: "row failed \(kind)", kind: kind) { _ in
            .rowFailed(task("failed"), kind)
        }
    }

    static let closedOnRow: [Happening] = [Evidence.sample, .report].flatMap { proof in
        one("closed on its row, \(proof)") { .closedOnRow(evidence: proof, at: $0) }
    }

    static let rows: [Row] = [
        // open, submitted, verifying, replicated / gone / dismissed, parked, (new)
        Row(
            failed(.fix, .kms, .job, .unknown),
            .to(.open), .rises, .heldElse(.open), .newer(.open), .to(.open), .to(.open)),
        Row(
            failed(.ineligible),
            .to(.parked), .rises, .to(.parked), .newer(.parked), .to(.parked), .to(.parked)),
        Row(
            failed(.gone, .done),
            .to(.verifying), .rises, .to(.verifying), .newer(.verifying), .to(.verifying),
            .to(.verifying)),
        Row(
            one("ReplicatedAfterThreshold") { .replicatedAfterThreshold(at: $0) },
            .to(.verifying), .nothing, .nothing, .nothing, .nothing, .nothing),
        Row(
            one("selected") { _ in .selected(remediationID: "new") },
            .to(.submitted), .nothing, .nothing, .nothing, .nothing, .nothing),
        Row(
            one("row succeeded") { _ in .rowSucceeded(task("succeeded")) },
            .nothing, .to(.verifying), .nothing, .nothing, .nothing, .nothing),
        Row(rowFailed, .nothing, .byClass, .nothing, .nothing, .nothing, .nothing),
        Row(
            one("left out") { _ in .leftOut },
            .nothing, .to(.open), .nothing, .nothing, .nothing, .nothing),
        Row(
            one("no report") { _ in .reportMissing },
            .nothing, .to(.verifying), .nothing, .nothing, .nothing, .nothing),
        Row(
            one("HEAD: no status header") { _ in .head(.noStatus) },
            .nothing, .nothing, .to(.open), .nothing, .nothing, .nothing),
        Row(
            one("HEAD: archived") { _ in .head(.archived) },
            .to(.parked), .nothing, .nothing, .nothing, .nothing, .nothing),
        Row(
            closedOnRow,
            .nothing, .nothing, .to(.replicated), .nothing, .nothing, .nothing),
        Row(
            one("HEAD: COMPLETED, newer") { .head(.completed(at: $0)) },
            .to(.replicated), .to(.replicated), .to(.replicated), .nothing, .to(.replicated),
            .nothing),
        Row(
            one("HEAD: COMPLETED, not newer") { _ in
                .head(.completed(at: Timestamp(milliseconds: lastFailed)))
            },
            .nothing, .nothing, .to(.open), .nothing, .nothing, .nothing),
        Row(
            one("HEAD: FAILED, ours") { _ in .head(.failedOurs) },
            .nothing, .nothing, .to(.open), .nothing, .nothing, .nothing),
        Row(
            one("HEAD: proved absent") { .head(.absent(at: $0)) },
            .to(.gone), .to(.gone), .to(.gone), .to(.gone), .to(.gone), .nothing),
        // The design's last row, "dismiss / reopen", is two.
        Row(
            one("dismiss") { .dismissed(at: $0, note: "why") },
            .to(.dismissed), .nothing, .to(.dismissed), .nothing, .to(.dismissed), .nothing),
        Row(
            one("reopen") { _ in .reopened(note: "why") },
            .nothing, .nothing, .nothing, .to(.open), .to(.open), .nothing),
    ]

    func failure(_ state: FailureState, held: Bool = false) -> Failure {
        var failure = Failure(
            firstEvent: failureEvent(at: Self.lastFailed, request: "R"), state: state)
        if held || state == .submitted || state == .parked { failure.remediationID = "old" }
        if state == .parked { failure.note = "archived" }
        if state.isClosed {
            let time = Timestamp(milliseconds: Self.evidenceTime)
            failure.closedAt = time
            failure.evidenceAt = time
            failure.evidence = state == .gone ? .absent : state == .dismissed ? .operator : .status
            failure.remediationID = "old"
        }
        return failure
    }

    @Test func `every cell of the table does what it says`() {
        var (cells, cases) = (0, 0)
        for row in Self.rows {
            let columns: [(Cell, [Failure])] = [
                (row.open, [failure(.open)]), (row.submitted, [failure(.submitted)]),
                (row.verifying, [failure(.verifying), failure(.verifying, held: true)]),
                (row.closed, [failure(.replicated), failure(.gone), failure(.dismissed)]),
                (row.parked, [failure(.parked)]),
            ]
            for happening in row.happenings {
                for (cell, starts) in columns {
                    for start in starts { cases += check(happening, cell, start) }
                }
                cases += checkNew(happening, row.new)
            }
            cells += columns.count + 1
        }
        print("cells of the life table \(cells)/\(cells), cases \(cases)")
        #expect(cells == 18 * 6)
        #expect(cases == 7 * 15 + 22 * 8)
    }

    /// Answers how many cases it looked at.
    func check(_ happening: Happening, _ cell: Cell, _ start: Failure) -> Int {
        let held = start.remediationID != nil && start.state == .verifying
        switch cell {
        case .nothing:
            var after = start
            let change = after.apply(happening.occurrence(Self.later))
            #expect(change == .none && after == start, "\(happening.name) on \(start.state)")
            return 1
        case .to(let next): return expect(happening, Self.later, start, next)
        case .rises: return expect(happening, Self.later, start, start.state)
        case .heldElse(let next):
            return expect(happening, Self.later, start, held ? start.state : next)
        case .newer(let next):
            let kept = [Self.lastFailed + 1, Self.evidenceTime].map {
                expect(happening, $0, start, start.state)
            }
            return kept.reduce(0, +) + expect(happening, Self.evidenceTime + 1, start, next)
        case .byClass:
            let next: FailureState =
                switch happening.kind {
                case .ineligible: .parked
                case .gone, .done: .verifying
                default: .open
                }
            return expect(happening, Self.later, start, next)
        }
    }

    func expect(
        _ happening: Happening, _ time: Int64, _ start: Failure, _ next: FailureState
    ) -> Int {
        let what: Comment = "\(happening.name) at \(time) on \(start.state)"
        let occurrence = happening.occurrence(time)
        var after = start
        let change = after.apply(occurrence)
        #expect(after.state == next, what)
        // A version that is gone may be found absent again: its story is told already.
        #expect(change == .changed || (start.state == .gone && after == start), what)
        switch occurrence {
        case .failed(let event):
            #expect(after.lastFailedAt == event.eventTime && after.lastRequestID == "S", what)
            #expect(after.failureCount == start.failureCount + 1 && after.size == 99, what)
            #expect(after.reason == event.reason, what)
            #expect(after.firstFailedAt == start.firstFailedAt, what)
        case .rowSucceeded(let task), .rowFailed(let task, _, _):
            #expect(after.lastTask == task, what)
        case .selected(let id): #expect(after.remediationID == id, what)
        default: #expect(after.lastFailedAt == start.lastFailedAt, what)
        }
        expectWhole(after, what)
        return 1
    }

    /// What holds of every failure in a state, however it came there.
    func expectWhole(_ failure: Failure, _ what: Comment) {
        let isProved =
            failure.closedAt != nil && failure.evidence != nil && failure.evidenceAt != nil
        let isBare = failure.closedAt == nil && failure.evidence == nil && failure.evidenceAt == nil
        #expect(failure.state.isClosed ? isProved : isBare, what)
        if failure.state == .open { #expect(failure.remediationID == nil, what) }
        if failure.state == .submitted { #expect(failure.remediationID != nil, what) }
    }

    /// Only failure events make a failure; answers how many cases it looked at.
    func checkNew(_ happening: Happening, _ cell: Cell) -> Int {
        guard case .to(let state) = cell, let kind = happening.kind else { return 0 }
        #expect(Failure.initialState(reasonClass: kind) == state, "\(happening.name), new")
        return 1
    }

    @Test func `an event that is not newer moves firstFailedAt only, in every state and class`() {
        var cases = 0
        let kinds = Self.failed(.fix, .kms, .job, .unknown, .ineligible, .gone, .done)
        for state in FailureState.allCases {
            for happening in kinds {
                let before = failure(state)
                var after = before
                #expect(after.apply(happening.occurrence(Self.lastFailed - 1)) == .duplicate)
                var expected = before
                expected.firstFailedAt = Timestamp(milliseconds: Self.lastFailed - 1)
                #expect(after == expected, "\(happening.name) on \(state)")
                cases += 1
            }
        }
        #expect(cases == 49)
        print("cases \(cases)")
    }

    @Test func `what is not newer than the last failure closes nothing on a row or a notice`() {
        for time in [Self.lastFailed - 1, Self.lastFailed].map(Timestamp.init(milliseconds:)) {
            for state in FailureState.allCases {
                for occurrence in [
                    FailureOccurrence.replicatedAfterThreshold(at: time),
                    .closedOnRow(evidence: .report, at: time),
                ] {
                    let before = failure(state)
                    var after = before
                    #expect(after.apply(occurrence) == .none && after == before)
                }
            }
        }
    }

    @Test func `no remediation holds what left a parked state`() {
        for happening in Self.failed(.gone, .done, .ineligible, .fix) {
            var failure = failure(.parked)
            _ = failure.apply(happening.occurrence(Self.later))
            #expect(failure.remediationID == nil && failure.note == nil, "\(happening.name)")
        }
    }
}

extension FailureLifeTableTests.Row {
    init(
        _ happenings: [FailureLifeTableTests.Happening], _ open: FailureLifeTableTests.Cell,
        _ submitted: FailureLifeTableTests.Cell, _ verifying: FailureLifeTableTests.Cell,
        _ closed: FailureLifeTableTests.Cell, _ parked: FailureLifeTableTests.Cell,
        _ new: FailureLifeTableTests.Cell
    ) {
        self.init(
            happenings: happenings, open: open, submitted: submitted, verifying: verifying,
            closed: closed, parked: parked, new: new)
    }
}
