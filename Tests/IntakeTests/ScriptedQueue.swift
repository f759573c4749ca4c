import Foundation
import HTTPTransport
import Synchronization

/// SQS for one queue behind the HTTP port: what is received becomes invisible until it is deleted or released. An empty
/// receive waits until something is sent, or it is called off. Answers as the JSON protocol 1.0 does.
final class ScriptedQueue: Sendable {
    struct Message: Equatable {
        var id: String
        var body: String
        var receives = 0
        var isVisible = true
        /// As the last ChangeMessageVisibilityBatch set it.
        var visibility: Int?
    }

    enum Wake { case look, empty, cancelled }

    private struct State {
        var messages: [Message] = []
        var waiters: [Int: CheckedContinuation<Wake, Never>] = [:]
        var nextWaiter = 0
        var calls: [String] = []
        var deleted: [String] = []
        /// Entries whose deletion fails once.
        var undeletable: Set<String> = []
        var refusal: (status: Int, body: String)?
        var mostReceivesAtOnce = 0
        var receivesAtOnce = 0
    }

    private let state = Mutex(State())
    private let told: AsyncStream<Void>.Continuation
    /// One after each change.
    let changes: AsyncStream<Void>

    init() {
        (changes, told) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var messages: [Message] { state.withLock { $0.messages } }
    var deleted: [String] { state.withLock { $0.deleted } }
    var calls: [String] { state.withLock { $0.calls } }
    var waiting: Int { state.withLock { $0.waiters.count } }
    var mostReceivesAtOnce: Int { state.withLock { $0.mostReceivesAtOnce } }

    func send(_ bodies: [String]) {
        let waiters = state.withLock { state in
            for body in bodies {
                let number = state.messages.count + state.deleted.count
                state.messages.append(Message(id: "m\(number)", body: body))
            }
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: .look) }
    }

    /// The wait of one receive is over.
    func endOneWait() {
        let waiter = state.withLock { state in
            state.waiters.keys.first.flatMap { state.waiters.removeValue(forKey: $0) }
        }
        waiter?.resume(returning: .empty)
    }

    func failOnce(deletionOf ids: Set<String>) { state.withLock { $0.undeletable = ids } }

    /// Every receive is answered so, until it is nil again.
    func refuse(_ refusal: (status: Int, body: String)?) {
        state.withLock { $0.refusal = refusal }
    }

    /// Returns as soon as `condition` holds; looks after every call.
    func wait(until condition: @Sendable (ScriptedQueue) -> Bool) async {
        if condition(self) { return }
        for await _ in changes where condition(self) { return }
    }

    func connection() -> Connection { Connection(self) }

    final class Connection: HTTPExchanging {
        private let queue: ScriptedQueue
        private let isCancelled = Mutex(false)
        private let waiter = Mutex<Int?>(nil)

        init(_ queue: ScriptedQueue) {
            self.queue = queue
        }

        nonisolated(nonsending) func perform(
            _ request: HTTPRequest
        ) async throws(HTTPFailure) -> HTTPReply {
            let target = request.header("x-amz-target") ?? ""
            let operation = String(target.split(separator: ".").last ?? "")
            let asked =
                (try? JSONSerialization.jsonObject(with: Data(request.body))) as? [String: Any]
                ?? [:]
            if isCancelled.withLock({ $0 }) { throw .cancelled }
            queue.state.withLock { $0.calls.append(operation) }
            defer { queue.told.yield() }
            switch operation {
            case "ReceiveMessage":
                return try await receive()
            case "DeleteMessageBatch":
                return queue.delete(asked)
            case "ChangeMessageVisibilityBatch":
                return queue.changeVisibility(asked)
            default:
                return ok("{\"Attributes\":{\"ApproximateNumberOfMessages\":\"7\"}}")
            }
        }

        func cancel() {
            isCancelled.withLock { $0 = true }
            guard let number = waiter.withLock({ $0 }) else { return }
            queue.state.withLock { $0.waiters.removeValue(forKey: number) }?
                .resume(returning: .cancelled)
        }

        private nonisolated(nonsending) func receive() async throws(HTTPFailure) -> HTTPReply {
            queue.state.withLock { state in
                state.receivesAtOnce += 1
                state.mostReceivesAtOnce = max(state.mostReceivesAtOnce, state.receivesAtOnce)
            }
            defer { queue.state.withLock { $0.receivesAtOnce -= 1 } }
            while true {
                let refusal = queue.state.withLock { $0.refusal }
                if let refusal {
                    return HTTPReply(
                        status: refusal.status, headers: [], body: Array(refusal.body.utf8))
                }
                if let reply = queue.takeVisible() { return reply }
                let wake = await withCheckedContinuation { continuation in
                    let number = queue.park(continuation)
                    waiter.withLock { $0 = number }
                    queue.told.yield()
                    if isCancelled.withLock({ $0 }) { cancel() }
                }
                waiter.withLock { $0 = nil }
                if wake == .cancelled { throw .cancelled }
                if wake == .empty { return ok("{}") }
            }
        }
    }

    private func park(_ continuation: CheckedContinuation<Wake, Never>) -> Int {
        state.withLock { state in
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = continuation
            return state.nextWaiter
        }
    }

    private func takeVisible() -> HTTPReply? {
        let taken: [[String: Any]] = state.withLock { state in
            let indexes = state.messages.indices.filter { state.messages[$0].isVisible }.prefix(10)
            return indexes.map { index in
                state.messages[index].isVisible = false
                state.messages[index].receives += 1
                let message = state.messages[index]
                return [
                    "MessageId": message.id, "ReceiptHandle": "\(message.id)/\(message.receives)",
                    "Body": message.body,
                    "Attributes": ["SentTimestamp": "1800000000000"],
                ]
            }
        }
        return taken.isEmpty ? nil : ok(json(["Messages": taken]))
    }

    private func delete(_ asked: [String: Any]) -> HTTPReply {
        state.withLock { state in
            var (successful, failed): ([[String: Any]], [[String: Any]]) = ([], [])
            for (id, message) in entries(asked) {
                if state.undeletable.remove(message) != nil {
                    failed.append(["Id": id, "Code": "InternalError", "SenderFault": false])
                } else {
                    state.messages.removeAll { $0.id == message }
                    state.deleted.append(message)
                    successful.append(["Id": id])
                }
            }
            return ok(json(["Successful": successful, "Failed": failed]))
        }
    }

    private func changeVisibility(_ asked: [String: Any]) -> HTTPReply {
        let list = asked["Entries"] as? [[String: Any]] ?? []
        let seconds = list.first?["VisibilityTimeout"] as? Int
        let (reply, waiters) = state.withLock { state in
            var successful: [[String: Any]] = []
            for (id, message) in entries(asked) {
                successful.append(["Id": id])
                for index in state.messages.indices where state.messages[index].id == message {
                    state.messages[index].visibility = seconds
                    if seconds == 0 { state.messages[index].isVisible = true }
                }
            }
            let woken = seconds == 0 ? Array(state.waiters.values) : []
            if seconds == 0 { state.waiters = [:] }
            return (ok(json(["Successful": successful, "Failed": []])), woken)
        }
        for waiter in waiters { waiter.resume(returning: .look) }
        return reply
    }

    private func entries(_ asked: [String: Any]) -> [(id: String, message: String)] {
        (asked["Entries"] as? [[String: Any]] ?? []).map { entry in
            let handle = entry["ReceiptHandle"] as? String ?? ""
            return (entry["Id"] as? String ?? "", String(handle.prefix { $0 != "/" }))
        }
    }
}

private func ok(_ body: String) -> HTTPReply {
    HTTPReply(status: 200, headers: [], body: Array(body.utf8))
}

private func json(_ value: [String: Any]) -> String {
    let data = try? JSONSerialization.data(withJSONObject: value)
    return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
}

extension HTTPRequest {
    fileprivate func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }
}
