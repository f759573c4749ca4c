internal import AWSProtocol

/// What is synced to the log and still on the queue. The worst of forgetting one is that its message comes again.
struct PendingDeletes {
    /// SQS takes at most ten entries in a batch.
    static let batchSize = 10
    private static let limit = 1000

    /// Oldest first; a message ID stands here once.
    private var receipts: [Receipt] = []

    var isEmpty: Bool { receipts.isEmpty }

    /// A message that comes twice is one entry: its newest receipt deletes it.
    mutating func add(_ more: [Receipt]) {
        for receipt in more {
            if let index = receipts.firstIndex(where: { $0.messageID == receipt.messageID }) {
                receipts[index] = receipt
            } else {
                receipts.append(receipt)
            }
        }
        if receipts.count > Self.limit { receipts.removeFirst(receipts.count - Self.limit) }
    }

    /// The oldest, with their position as ID.
    var nextBatch: [SQSBatchEntry] {
        receipts.prefix(Self.batchSize).enumerated().map { offset, receipt in
            SQSBatchEntry(id: String(offset), receiptHandle: receipt.handle)
        }
    }

    /// What SQS said to the last `nextBatch`: what it could not delete stays for another try, unless the fault is in
    /// the receipt, which no repetition mends. Returns how many stay.
    mutating func settle(_ outcome: SQSBatchOutcome) -> Int {
        let tried = min(Self.batchSize, receipts.count)
        let again = Set(outcome.failed.filter { !$0.senderFault }.compactMap { Int($0.id) })
        let kept = receipts[..<tried].enumerated().filter { again.contains($0.offset) }.map(
            \.element)
        // Behind the others: one that always fails must not keep the rest from going.
        receipts.removeFirst(tried)
        receipts += kept
        return kept.count
    }
}
