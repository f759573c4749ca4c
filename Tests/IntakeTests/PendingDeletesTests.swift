import Testing

@testable import AWSProtocol
@testable import Intake

struct PendingDeletesTests {
    func receipt(_ id: Int, _ handle: String = "h") -> Receipt {
        Receipt(messageID: "m\(id)", handle: "\(handle)\(id)")
    }

    func failure(_ id: String, senderFault: Bool) -> SQSBatchFailure {
        SQSBatchFailure(id: id, code: "c", senderFault: senderFault, message: "")
    }

    func handles(_ deletes: PendingDeletes) -> [String] { deletes.nextBatch.map(\.receiptHandle) }

    @Test func `a batch has the ten oldest, and IDs that differ`() {
        var deletes = PendingDeletes()
        deletes.add((1...12).map { receipt($0) })
        #expect(handles(deletes) == (1...10).map { "h\($0)" })
        #expect(Set(deletes.nextBatch.map(\.id)).count == 10)
        #expect(deletes.settle(SQSBatchOutcome(succeeded: [], failed: [])) == 0)
        #expect(handles(deletes) == ["h11", "h12"])
    }

    @Test func `a message that comes twice is one entry with its newest receipt`() {
        var deletes = PendingDeletes()
        deletes.add([receipt(1), receipt(2), receipt(1, "new")])
        deletes.add([receipt(2, "newer")])
        #expect(handles(deletes) == ["new1", "newer2"])
    }

    @Test func `what SQS could not delete is tried again, behind the others`() {
        var deletes = PendingDeletes()
        deletes.add((1...11).map { receipt($0) })
        let outcome = SQSBatchOutcome(
            succeeded: [],
            failed: [failure("0", senderFault: false), failure("1", senderFault: true)])
        #expect(deletes.settle(outcome) == 1)
        #expect(handles(deletes) == ["h11", "h1"])
    }

    @Test func `beyond a thousand the oldest are forgotten: their messages come again`() {
        var deletes = PendingDeletes()
        deletes.add((1...1003).map { receipt($0) })
        #expect(handles(deletes).first == "h4")
    }

    @Test func `pollers grow with full receives and shrink with empty ones`() {
        var scaling = PollerScaling()
        #expect((1...3).map { _ in scaling.grow(maximum: 3) } == [true, true, false])
        #expect(
            (1...3).map { _ in scaling.shrink(isIdle: true, maximum: 3) } == [true, true, false])
        #expect(scaling.running == 1)
    }

    @Test func `a lower maximum ends busy pollers too, and never the last`() {
        var scaling = PollerScaling()
        for _ in 1...7 { _ = scaling.grow(maximum: 8) }
        #expect(!scaling.shrink(isIdle: false, maximum: 8) && scaling.running == 8)
        #expect((1...8).count { _ in scaling.shrink(isIdle: false, maximum: 2) } == 6)
        #expect(!scaling.grow(maximum: 2) && scaling.running == 2)
        #expect((1...3).count { _ in scaling.shrink(isIdle: false, maximum: 0) } == 1)
        #expect(scaling.running == 1)
    }
}
