internal import AWSProtocol
internal import Testing

private func parse(_ inside: String) throws(UnreadableReply) -> [BucketNotification] {
    let body = "<NotificationConfiguration>\(inside)</NotificationConfiguration>"
    return try BucketNotification.parse(AWSReply(status: 200, body: Array(body.utf8)))
}

@Test func `a bucket's notifications name their targets, events and filters`() throws {
    let found = try parse(
        """
        <QueueConfiguration><Id>one</Id><Queue>arn:aws:sqs:eu-west-1:111122223333:q</Queue>\
        <Event>s3:Replication:OperationFailedReplication</Event><Event>s3:ObjectCreated:*</Event>\
        <Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a/</Value></FilterRule>\
        <FilterRule><Name>suffix</Name><Value>.csv</Value></FilterRule></S3Key></Filter></QueueConfiguration>\
        <TopicConfiguration><Topic>arn:t</Topic><Event>s3:Replication:*</Event></TopicConfiguration>\
        <CloudFunctionConfiguration><CloudFunction>arn:f</CloudFunction><Event>s3:TestEvent</Event>\
        </CloudFunctionConfiguration><EventBridgeConfiguration/><SomethingNew/>
        """)
    let failed = "s3:Replication:OperationFailedReplication"
    #expect(
        found.map(\.target) == [
            .queue(arn: "arn:aws:sqs:eu-west-1:111122223333:q"), .topic(arn: "arn:t"),
            .function(arn: "arn:f"), .eventBridge,
        ])
    #expect(found[0].id == "one" && found[0].prefix == "a/" && found[0].suffix == ".csv")
    #expect(found.map { $0.sends(failed) } == [true, true, false, false])
    #expect(found[0].sends("s3:ObjectCreated:Put") && !found[0].sends("s3:ObjectRemoved:Delete"))
    #expect(found[1].id == "" && found[1].prefix == "")
}

@Test func `a bucket that sends nothing has no notifications`() throws {
    #expect(try parse("").isEmpty)
}

@Test(arguments: [
    "<QueueConfiguration><Event>x</Event></QueueConfiguration>",
    "<TopicConfiguration><Topic>t</Topic><Filter><S3Key><FilterRule><Name>tag</Name></FilterRule>"
        + "</S3Key></Filter></TopicConfiguration>",
])
func `notifications that cannot be understood are no success`(inside: String) {
    #expect(throws: UnreadableReply.self) { try parse(inside) }
}
