internal import Domain

/// AWS's own example, verbatim. Source: Amazon S3 User Guide, "Receiving replication failure events with Amazon S3
/// Event Notifications".
let awsRecord =
    #"{"eventVersion":"2.2","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2024-09-05T21:04:32.527Z","#
    + #""eventName":"Replication:OperationFailedReplication","userIdentity":{"principalId":"s3.amazonaws.com"},"#
    + #""requestParameters":{"sourceIPAddress":"s3.amazonaws.com"},"#
    + #""responseElements":{"x-amz-request-id":"123bf045-2b4b-4ca8-a211-c34a63c59426","#
    + #""x-amz-id-2":"12VAWNDIHnwJsRhTccqQTeAPoXQmRt22KkewMV8G3XZihAuf9CLDdmkApgZzudaIe2KlLfDqGS0="},"#
    + #""s3":{"s3SchemaVersion":"1.0","configurationId":"ReplicationEventName","bucket":{"name":"amzn-s3-demo-bucket1","#
    + #""ownerIdentity":{"principalId":"111122223333"},"arn":"arn:aws:s3:::amzn-s3-demo-bucket1"},"#
    + #""object":{"key":"replication-object-put-test.png","size":520080,"eTag":"e12345ca7e88a38428305d3ff7fcb99f","#
    + #""versionId":"abcdeH0Xp66ep__QDjR76LK7Gc9X4wKO","sequencer":"0066DA1CBF104C0D51"}},"#
    + #""replicationEventData":{"replicationRuleId":"notification-test-replication-rule","#
    + #""destinationBucket":"arn:aws:s3:::amzn-s3-demo-bucket2","s3Operation":"OBJECT_PUT","#
    + #""requestTime":"2024-09-05T21:03:59.168Z","failureReason":"AssumeRoleNotPermitted"}}"#

let awsEvent = ReplicationEvent(
    name: .operationFailed, region: "us-east-1",
    eventTime: Timestamp(milliseconds: 1_725_570_272_527),
    requestID: "123bf045-2b4b-4ca8-a211-c34a63c59426", sourceBucket: "amzn-s3-demo-bucket1",
    ruleID: "notification-test-replication-rule", destinationBucket: "amzn-s3-demo-bucket2",
    key: ObjectKey("replication-object-put-test.png"),
    versionID: "abcdeH0Xp66ep__QDjR76LK7Gc9X4wKO", size: 520_080,
    eTag: "e12345ca7e88a38428305d3ff7fcb99f", sequencer: "0066DA1CBF104C0D51",
    operation: "OBJECT_PUT", reason: "AssumeRoleNotPermitted")

/// AWS's example with one piece of text replaced, which must be there.
func record(_ old: String, _ new: String) -> String {
    let parts = split(awsRecord, at: old)
    precondition(parts.count == 2, "\(old) stands \(parts.count - 1) times in the example")
    return parts[0] + new + parts[1]
}

func body(_ records: String...) -> [UInt8] {
    body(records)
}

func body(_ records: [String]) -> [UInt8] {
    Array("{\"Records\":[\(records.joined(separator: ","))]}".utf8)
}

/// SNS's envelope, raw message delivery off. Source: Amazon SNS Developer Guide, "Parsing Amazon SNS message formats".
func envelope(_ message: [UInt8], type: String = "Notification") -> [UInt8] {
    var escaped = ""
    for scalar in String(decoding: message, as: UTF8.self).unicodeScalars {
        switch scalar {
        case "\"": escaped += #"\""#
        case "\\": escaped += #"\\"#
        case "/": escaped += #"\/"#
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return Array(
        (#"{"Type":"\#(type)","MessageId":"22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324","#
            + #""TopicArn":"arn:aws:sns:us-west-2:123456789012:MyTopic","Subject":"Amazon S3 Notification","#
            + #""Message":"\#(escaped)","Timestamp":"2012-05-02T00:54:06.655Z","SignatureVersion":"1","#
            + #""Signature":"EXAMPLE","SigningCertURL":"https://sns.us-west-2.amazonaws.com/x.pem","#
            + #""SubscribeURL":"https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription","#
            + #""UnsubscribeURL":"https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe"}"#)
            .utf8)
}

let testEvent =
    #"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","#
    + #""Bucket":"amzn-s3-demo-bucket","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"}"#

/// Source: S3 User Guide, "Example: Tracking an S3 Batch Operations job in Amazon EventBridge through AWS CloudTrail".
func jobEvent(name: String = "JobStatusChanged", source: String = "aws.s3") -> String {
    #"{"version":"0","id":"51dc8145-541c-5518-2349-56d7dffdf2d8","#
        + #""detail-type":"AWS Service Event via CloudTrail","source":"\#(source)","account":"123456789012","#
        + #""time":"2020-02-27T15:25:49Z","region":"us-east-1","resources":[],"detail":{"eventVersion":"1.05","#
        + #""userIdentity":{"accountId":"11112223334444","invokedBy":"s3.amazonaws.com"},"#
        + #""eventTime":"2020-02-27T15:25:49Z","eventSource":"s3.amazonaws.com","eventName":"\#(name)","#
        + #""awsRegion":"us-east-1","sourceIPAddress":"s3.amazonaws.com","requestParameters":null,"#
        + #""responseElements":null,"eventID":"f907577b-bf3d-4c53-b9ed-8a83a118a554","readOnly":false,"#
        + #""eventType":"AwsServiceEvent","recipientAccountId":"123412341234","#
        + #""serviceEventDetails":{"jobId":"d6e58ec4-897a-4b6d-975f-10d7f0fb63ce","#
        + #""jobArn":"arn:aws:s3:us-west-2:181572960644:job/d6e58ec4-897a-4b6d-975f-10d7f0fb63ce","#
        + #""status":"Complete","jobEventId":"b268784cf0a66749f1a05bce259804f5","#
        + #""failureCodes":[],"statusChangeReason":[]}}}"#
}

func split(_ text: String, at separator: String) -> [String] {
    var parts: [String] = []
    var rest = text[...]
    while let index = rest.utf8.indices.first(where: {
        rest.utf8[$0...].starts(with: separator.utf8)
    }) {
        parts.append(String(rest[..<index]))
        rest = rest[rest.utf8.index(index, offsetBy: separator.utf8.count)...]
    }
    return parts + [String(rest)]
}
