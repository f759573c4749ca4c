internal import AWSClient
internal import AWSProtocol

/// What SQS says of a queue and of its dead-letter queue.
package struct QueueLook: Sendable, Equatable {
    package struct DeadLetter: Sendable, Equatable {
        /// URL, or the ARN when the URL could not be learnt.
        package var queue: String
        package var maxReceiveCount: Int
        package var messages: Int?
    }

    /// ApproximateNumberOfMessages and ApproximateNumberOfMessagesNotVisible.
    package var visible: Int?
    package var inFlight: Int?
    package var retentionSeconds: Int?
    package var deadLetter: DeadLetter?

    /// Asks SQS. That a dead-letter queue cannot be looked at is no failure: the permission for it is optional.
    init(_ client: SQSClient) async throws(AWSFailure) {
        let attributes = try await client.queueAttributes()
        func number(_ name: String) -> Int? { attributes[name].flatMap { Int($0) } }
        visible = number("ApproximateNumberOfMessages")
        inFlight = number("ApproximateNumberOfMessagesNotVisible")
        retentionSeconds = number("MessageRetentionPeriod")
        guard let policy = attributes["RedrivePolicy"].flatMap({ RedrivePolicy(json: $0) }) else {
            return
        }
        deadLetter = await Self.look(at: policy, client)
    }

    private static func look(at policy: RedrivePolicy, _ client: SQSClient) async -> DeadLetter {
        var deadLetter = DeadLetter(
            queue: policy.queueARN, maxReceiveCount: policy.maxReceiveCount, messages: nil)
        let parts = policy.queueARN.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6,
            let url = try? await client.queueURL(name: String(parts[5]), account: String(parts[4]))
        else { return deadLetter }
        deadLetter.queue = url
        let attributes = try? await client.ofQueue(url).queueAttributes()
        deadLetter.messages = attributes?["ApproximateNumberOfMessages"].flatMap { Int($0) }
        return deadLetter
    }
}
