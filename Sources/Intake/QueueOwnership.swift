internal import LogRecords

/// Whose queue it is, judged by what comes out of it (design section 8). On a queue that has never shown a replication
/// event or an s3:TestEvent, messages without any of ours are held: neither logged nor deleted. The first of ours
/// settles them as on a known queue; 20 different ones in a row end the receiving, and they are released.
struct QueueOwnership {
    static let limit = 20

    enum Standing: Equatable {
        case unproven
        case ours
        /// With what was seen instead.
        case notOurs(seen: String)
    }

    /// What to do with the messages of one batch, and with those that were held.
    struct Settlement: Equatable {
        /// For the log; what is on disk is acknowledged by `deletable`.
        var payloads: [LogPayload] = []
        /// To be deleted once the payloads are on disk.
        var deletable: [Receipt] = []
        /// To be kept from being received again for a while.
        var held: [Receipt] = []
        /// To be made visible for others at once.
        var released: [Receipt] = []
        /// The queue has just been recognized by an event that itself says nothing of the queue.
        var recognized = false
    }

    private(set) var standing: Standing
    private var held: [SortedMessage] = []

    /// - Parameter isKnown: the store remembers that the queue is ours, or the configuration says so.
    init(isKnown: Bool) {
        standing = isKnown ? .ours : .unproven
    }

    var heldReceipts: [Receipt] { held.map(Receipt.init) }

    /// What the held messages are: for people.
    var seen: String {
        var names: [String] = []
        for message in held {
            let name = message.foreignEvents.first ?? "undecodable messages"
            if !names.contains(name), names.count < 3 { names.append(name) }
        }
        return names.joined(separator: ", ")
    }

    mutating func settle(_ batch: [SortedMessage]) -> Settlement {
        var settlement = Settlement()
        guard standing == .ours || batch.contains(where: \.isOurs) else {
            hold(batch, &settlement)
            return settlement
        }
        if standing != .ours {
            standing = .ours
            settlement.recognized = !batch.contains(where: \.foundTest)
        }
        let settled = held.isEmpty ? batch : held + batch
        held = []
        settlement.payloads.reserveCapacity(settled.count)
        for message in settled { settlement.payloads += message.payloads }
        settlement.deletable = settled.map(Receipt.init)
        return settlement
    }

    /// The configuration says from now on that all on the queue is ours to settle: what is held with the next batch.
    /// True when it was not ours before.
    mutating func accept() -> Bool {
        defer { standing = .ours }
        return standing != .ours
    }

    /// Gives up what is held: at a stop.
    mutating func releaseAll() -> [Receipt] {
        defer { held = [] }
        return heldReceipts
    }

    private mutating func hold(_ batch: [SortedMessage], _ settlement: inout Settlement) {
        for message in batch {
            // One that came again counts once; its newest receipt is the one that works.
            held.removeAll { $0.messageID == message.messageID }
            held.append(message)
        }
        if held.count >= Self.limit {
            standing = .notOurs(seen: seen)
            settlement.released = releaseAll()
        } else {
            settlement.held = batch.map(Receipt.init)
        }
    }
}

/// What acknowledges one received message: the newest receipt of each message ID counts.
struct Receipt: Hashable {
    let messageID: String
    let handle: String
}

extension Receipt {
    init(_ message: SortedMessage) {
        self.init(messageID: message.messageID, handle: message.receiptHandle)
    }
}
