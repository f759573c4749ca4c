internal import AWSProtocol
internal import Domain
package import FailureStore
internal import LogRecords
package import WriteAheadLog

/// Why a quarantined message stays where it is.
package enum ReplayRefusal: Error, Sendable {
    case notFound
    /// It still does not decode, or not in full: the sentence says what is wrong and where.
    case undecodable(String)
    /// The log takes nothing at present.
    case paused(String)
    case log(LogFailure)
    case store(StoreFailure)
}

/// What an operator does with messages in quarantine.
package struct QuarantineDesk: Sendable {
    private let store: any FailureStoring
    private let log: SegmentedLog

    package init(store: any FailureStoring, log: SegmentedLog) {
        self.store = store
        self.log = log
    }

    /// Decodes a message again, as if SQS had just handed it out, and lets go of the entry once its records are
    /// synced to the log. A crash in between leaves both, and doing it again adds only duplicates. Returns how many
    /// records there were.
    package func replay(_ id: Int64) async throws(ReplayRefusal) -> Int {
        guard let message = try await entry(id) else { throw .notFound }
        let payloads = try payloads(of: message)
        if let reason = log.status.paused { throw .paused("\(reason)") }
        if !payloads.isEmpty {
            do { _ = try await log.append(payloads) } catch { throw .log(error) }
        }
        _ = try await drop(id)
        return payloads.count
    }

    /// Lets go of an entry; false when there is none.
    package func drop(_ id: Int64) async throws(ReplayRefusal) -> Bool {
        do { return try await store.dropQuarantined(id) } catch { throw .store(error) }
    }

    private func entry(_ id: Int64) async throws(ReplayRefusal) -> QuarantinedMessage? {
        guard id > 0 else { return nil }
        do {
            let found = try await store.quarantined(after: id - 1, limit: 1).entries.first
            return found?.id == id ? found?.message : nil
        } catch { throw .store(error) }
    }

    private func payloads(of message: QuarantinedMessage) throws(ReplayRefusal) -> [[UInt8]] {
        // A record of the log that the store could not take is no message of a queue.
        if message.isLogRecord {
            do { _ = try LogPayload(decoding: message.body) } catch {
                throw .undecodable("\(error)")
            }
            return [message.body]
        }
        // SQS's SentTimestamp is not kept; no message was sent after it was received.
        let received = ReceivedMessage(
            messageID: message.messageID, receiptHandle: "", body: message.body,
            sentAt: message.receivedAt)
        let sorted = MessageSorting(queueURL: message.queueURL)
            .sort(received, receivedAt: message.receivedAt)
        for case .quarantined(let still) in sorted.payloads {
            throw .undecodable("\(still.problem) at byte \(still.offset)")
        }
        return sorted.payloads.map { $0.encode() }
    }
}
