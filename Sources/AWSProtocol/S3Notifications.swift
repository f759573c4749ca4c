/// One entry of a bucket's notification configuration.
/// Source: Amazon S3 API Reference, "NotificationConfiguration".
package struct BucketNotification: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
        case queue(arn: String)
        case topic(arn: String)
        case function(arn: String)
        /// All events, but for replication, which is not sent there.
        case eventBridge
    }

    package var id: String
    package var target: Target
    /// Such as `s3:Replication:OperationFailedReplication` or `s3:Replication:*`.
    package var events: [String]
    /// Only keys that begin or end like this; empty for all.
    package var prefix = ""
    package var suffix = ""

    /// Whether S3 sends this event there, for keys that match.
    package func sends(_ event: String) -> Bool {
        target != .eventBridge
            && events.contains { name in
                name == event || (name.hasSuffix("*") && event.hasPrefix(name.dropLast()))
            }
    }

    /// All entries of GetBucketNotificationConfiguration's reply; none when the bucket sends nothing.
    package static func parse(_ reply: AWSReply) throws(UnreadableReply) -> [BucketNotification] {
        var found: [BucketNotification] = []
        for entry in try reply.xml("NotificationConfiguration").children {
            let target: Target
            switch entry.name {
            case "QueueConfiguration": target = .queue(arn: try entry.required("Queue"))
            case "TopicConfiguration": target = .topic(arn: try entry.required("Topic"))
            case "CloudFunctionConfiguration":
                target = .function(arn: try entry.required("CloudFunction"))
            case "EventBridgeConfiguration": target = .eventBridge
            default: continue
            }
            var one = BucketNotification(
                id: entry.text("Id") ?? "", target: target, events: entry.all("Event").map(\.text))
            for rule in entry["Filter"]?["S3Key"]?.all("FilterRule") ?? [] {
                // S3 takes the names in any case, and shows them as they were given.
                switch try rule.required("Name").lowercased() {
                case "prefix": one.prefix = rule.text("Value") ?? ""
                case "suffix": one.suffix = rule.text("Value") ?? ""
                case let name: throw UnreadableReply("a filter by \(name.prefix(100))")
                }
            }
            found.append(one)
        }
        return found
    }
}
