internal import JSONScanning

/// The queue attribute of that name: `{"deadLetterTargetArn":"arn:…","maxReceiveCount":10}`, the number as a string in
/// older queues. Source: Amazon SQS API Reference, SetQueueAttributes.
package struct RedrivePolicy: Hashable, Sendable {
    package var queueARN: String
    package var maxReceiveCount: Int

    /// Nil when `json` lacks the queue or the number.
    package init?(json: String) {
        var scanner = JSONScanner(Array(json.utf8))
        var queue = JSONField()
        var count = JSONField()
        do throws(JSONError) {
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                switch name {
                case "deadLetterTargetArn": try scanner.read(into: &queue)
                case "maxReceiveCount": try scanner.read(into: &count)
                default: try scanner.skipValue()
                }
            }
        } catch { return nil }
        guard let queue = queue.value, queue.kind == .string, let count = count.value,
            let number = Int(scanner.text(count))
        else { return nil }
        queueARN = scanner.text(queue)
        maxReceiveCount = number
    }
}
