package import Domain

/// A failure event with what a test does not care about filled in.
package func failureEvent(
    bucket: String = "orders", rule: String = "r1", destination: String = "backup",
    key: String = "a", version: String = "v1", at milliseconds: Int64 = 1000,
    request: String = "R", reason: String? = "DstBucketNotFound", size: Int64? = 10,
    name: ReplicationEvent.Name = .operationFailed
) -> ReplicationEvent {
    ReplicationEvent(
        name: name, region: "eu-west-1", eventTime: Timestamp(milliseconds: milliseconds),
        requestID: request, sourceBucket: bucket, ruleID: rule, destinationBucket: destination,
        key: ObjectKey(key), versionID: version, size: size, eTag: "e", sequencer: "01",
        operation: "OBJECT_PUT", reason: reason)
}
