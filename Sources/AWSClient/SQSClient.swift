package import AWSProtocol

/// Calls of Amazon SQS for one queue.
package struct SQSClient {
    /// Ten messages of together 1 MiB, every byte of it escaped as `\u00XX`, and their attributes.
    private static let maximumReceiveBytes = 8 * 1024 * 1024
    /// Beyond the wait itself: a reply that takes longer is a stalled connection.
    private static let receiveGraceSeconds = 5

    private let caller: AWSCaller
    private let queueURL: String

    package init(_ caller: AWSCaller, queueURL: String) {
        self.caller = caller
        self.queueURL = queueURL
    }

    /// The same calls for another queue of the Region, over the same connection.
    package func ofQueue(_ url: String) -> SQSClient { SQSClient(caller, queueURL: url) }

    /// How far AWS's clock is ahead of this host's, as the last reply showed.
    package var clockSkewMilliseconds: Int64 { caller.clockSkewMilliseconds }

    /// - Parameters:
    ///   - maximumMessages: 1 to 10.
    ///   - waitSeconds: 0 to 20.
    ///   - visibilityTimeoutSeconds: nil for the queue's own.
    package func receive(
        maximumMessages: Int, waitSeconds: Int, visibilityTimeoutSeconds: Int?
    ) async throws(AWSFailure) -> [ReceivedMessage] {
        let request = SQSRequest.receiveMessage(
            queueURL: queueURL, maximumMessages: maximumMessages, waitSeconds: waitSeconds,
            visibilityTimeoutSeconds: visibilityTimeoutSeconds)
        let limits = CallLimits(
            deadline: .seconds(waitSeconds + Self.receiveGraceSeconds),
            maximumReplyBytes: Self.maximumReceiveBytes, isLongPoll: true)
        return try await send(request, limits, SQSReply.parseReceive)
    }

    /// Up to 10 entries; a success names the entries that failed.
    package func deleteBatch(
        _ entries: [SQSBatchEntry]
    ) async throws(AWSFailure) -> SQSBatchOutcome {
        try await send(
            .deleteMessageBatch(queueURL: queueURL, entries: entries), CallLimits(),
            SQSReply.parseBatch)
    }

    /// Up to 10 entries.
    /// - Parameter seconds: from now; 0 releases the messages at once.
    package func changeVisibilityBatch(
        _ entries: [SQSBatchEntry], seconds: Int
    ) async throws(AWSFailure) -> SQSBatchOutcome {
        try await send(
            .changeMessageVisibilityBatch(
                queueURL: queueURL, entries: entries, visibilityTimeoutSeconds: seconds),
            CallLimits(), SQSReply.parseBatch)
    }

    /// All attributes of the queue, by AWS's names.
    package func queueAttributes() async throws(AWSFailure) -> [String: String] {
        try await send(
            .getQueueAttributes(queueURL: queueURL), CallLimits(), SQSReply.parseAttributes)
    }

    /// The URL of another queue, such as the dead-letter queue of a redrive policy.
    /// - Parameter account: its owner; nil for the caller's own.
    package func queueURL(
        name: String, account: String?
    ) async throws(AWSFailure) -> String {
        try await send(
            .getQueueURL(queueName: name, ownerAccountID: account), CallLimits(),
            SQSReply.parseQueueURL)
    }

    private func send<Value>(
        _ request: SQSRequest, _ limits: CallLimits,
        _ parser: ([UInt8]) throws(AWSReplyError) -> Value
    ) async throws(AWSFailure) -> Value {
        let endpoint = try caller.endpoint(for: .sqs, queueURL: queueURL)
        let operation = String(request.target.split(separator: ".").last ?? "")
        let wire = AWSRequest(
            .sqs, operation, "POST", at: endpoint,
            headers: [
                ("content-type", "application/x-amz-json-1.0"), ("x-amz-target", request.target),
            ], body: request.body)
        let reply = try await caller.send(wire, limits)
        do {
            return try parser(reply.body)
        } catch {
            throw .reply(operation: operation, UnreadableReply(error.sentence))
        }
    }
}
