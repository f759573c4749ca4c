import Domain
import LogRecords
import TestSupport
import Testing

@testable import Intake

struct QueueOwnershipTests {
    func message(
        _ id: String, receipt: String = "r", payloads: [LogPayload] = [], isOurs: Bool = false,
        foundTest: Bool = false, foreign: [String] = []
    ) -> SortedMessage {
        SortedMessage(
            messageID: id, receiptHandle: receipt, payloads: payloads, isOurs: isOurs,
            foundTest: foundTest, foreignEvents: foreign)
    }

    func foreign(_ id: String, receipt: String = "r") -> SortedMessage {
        message(id, receipt: receipt, foreign: ["ObjectCreated:Put"])
    }

    func undecodable(_ id: String) -> SortedMessage {
        message(
            id,
            payloads: [
                .quarantined(
                    QuarantinedMessage(
                        queueURL: "q", messageID: id, receivedAt: Timestamp(milliseconds: 1),
                        problem: "p", offset: 0, body: [1]))
            ])
    }

    func ours(_ id: String) -> SortedMessage {
        message(id, payloads: [.event(failureEvent(key: id))], isOurs: true)
    }

    func ids(_ receipts: [Receipt]) -> [String] { receipts.map(\.messageID) }

    @Test func `on a known queue everything is settled at once`() {
        var ownership = QueueOwnership(isKnown: true)
        let settlement = ownership.settle([foreign("a"), undecodable("b"), ours("c")])
        #expect(ids(settlement.deletable) == ["a", "b", "c"])
        #expect(settlement.payloads.count == 2 && !settlement.recognized)
    }

    @Test func `on an unproven queue what is not ours is held, neither logged nor deleted`() {
        var ownership = QueueOwnership(isKnown: false)
        let settlement = ownership.settle([foreign("a"), undecodable("b")])
        #expect(settlement.payloads.isEmpty && settlement.deletable.isEmpty)
        #expect(ids(settlement.held) == ["a", "b"] && settlement.released.isEmpty)
        #expect(ownership.seen == "ObjectCreated:Put, undecodable messages")
    }

    @Test func `the first of ours settles what was held as on a known queue`() {
        var ownership = QueueOwnership(isKnown: false)
        _ = ownership.settle([foreign("a"), undecodable("b")])
        let settlement = ownership.settle([foreign("c"), ours("d")])
        #expect(ids(settlement.deletable) == ["a", "b", "c", "d"])
        #expect(settlement.payloads.count == 2 && settlement.recognized)
        #expect(ownership.standing == .ours && ownership.heldReceipts.isEmpty)
        #expect(!ownership.settle([ours("e")]).recognized)
    }

    @Test func `an s3:TestEvent makes the queue known by itself`() {
        var ownership = QueueOwnership(isKnown: false)
        let test = message("t", isOurs: true, foundTest: true)
        #expect(!ownership.settle([test]).recognized)
        #expect(ownership.standing == .ours)
    }

    @Test func `twenty different ones in a row end the receiving and are released`() {
        var ownership = QueueOwnership(isKnown: false)
        for number in 1..<QueueOwnership.limit {
            let settlement = ownership.settle([foreign("m\(number)")])
            #expect(settlement.released.isEmpty)
        }
        // The same ones again are no others.
        for number in 1..<QueueOwnership.limit {
            #expect(ownership.settle([foreign("m\(number)", receipt: "new")]).released.isEmpty)
        }
        let last = ownership.settle([undecodable("m20")])
        #expect(Set(ids(last.released)) == Set((1...20).map { "m\($0)" }))
        #expect(last.released.count == 20 && last.payloads.isEmpty && last.deletable.isEmpty)
        // What came again is released by its newest receipt.
        #expect(last.released.filter { $0.handle == "new" }.count == 19)
        #expect(ownership.standing == .notOurs(seen: "ObjectCreated:Put, undecodable messages"))
    }

    @Test func `a stop releases what is held`() {
        var ownership = QueueOwnership(isKnown: false)
        _ = ownership.settle([foreign("a")])
        #expect(ids(ownership.releaseAll()) == ["a"])
        #expect(ownership.releaseAll().isEmpty)
    }
}
