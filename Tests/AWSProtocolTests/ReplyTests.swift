internal import AWSProtocol
internal import Domain
internal import Testing

private let date = ("Date", "Tue, 24 Nov 2026 06:11:06 GMT")
private let evidenceTime = Timestamp(rfc3339: "2026-11-24T06:11:06Z")

private func reply(
    _ status: Int = 200, _ headers: [(String, String)] = [date], _ body: String = ""
) -> AWSReply {
    AWSReply(status: status, headers: headers.map { ($0.0, $0.1) }, body: Array(body.utf8))
}

@Test func `HEAD's headers become what is known of the version`() throws {
    let outcome = try HeadObjectOutcome(
        reply(
            200,
            [
                date, ("x-amz-replication-status", "FAILED"), ("Content-Length", "520080"),
                ("ETag", "\"abc\""), ("x-amz-storage-class", "GLACIER"), ("x-amz-version-id", "v"),
                ("X-Amz-Meta-SHA256", "00ff"), ("x-amz-archive-status", "ARCHIVE_ACCESS"),
            ]))
    guard case .found(let head) = outcome else {
        Issue.record("not found")
        return
    }
    #expect(head.date == evidenceTime)
    #expect(head.replicationStatus == "FAILED")
    #expect(head.size == 520_080)
    #expect(head.eTag == "abc")
    #expect(head.storageClass == "GLACIER")
    #expect(head.archiveStatus == "ARCHIVE_ACCESS")
    #expect(head.versionID == "v")
    #expect(head.metadata == ["sha256": "00ff"])
}

@Test func `404 and 405 are answers with an evidence time`() throws {
    let time = try #require(evidenceTime)
    #expect(try HeadObjectOutcome(reply(404)) == .absent(date: time))
    #expect(try HeadObjectOutcome(reply(405)) == .deleteMarker(date: time))
}

@Test(arguments: [200, 404, 405])
func `an answer without a date is no evidence`(status: Int) {
    #expect(throws: UnreadableReply.self) { try HeadObjectOutcome(reply(status, [])) }
}

@Test func `versions and delete markers of a page are read, keys decoded`() throws {
    let body = """
        <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>
        <IsTruncated>true</IsTruncated><NextKeyMarker>a+b%2Bc</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker>
        <Version><Key>a+b%2Bc</Key><VersionId>null</VersionId></Version>
        <DeleteMarker><Key>a+b%2Bc</Key><VersionId>2</VersionId></DeleteMarker></ListVersionsResult>
        """
    let page = try ObjectVersionPage(reply(200, [date], body))
    #expect(page.entries.map(\.key) == [ObjectKey("a b+c"), ObjectKey("a b+c")])
    #expect(page.entries.map(\.versionID) == ["null", "2"])
    #expect(page.entries.map(\.isDeleteMarker) == [false, true])
    #expect(page.nextKey == ObjectKey("a b+c"))
    #expect(page.nextVersionID == "2")
}

@Test func `a page that does not say whether it is the last proves nothing`() {
    let body = "<ListVersionsResult><EncodingType>url</EncodingType></ListVersionsResult>"
    #expect(throws: UnreadableReply("ListVersionsResult without IsTruncated")) {
        try ObjectVersionPage(reply(200, [date], body))
    }
}

@Test func `replication rules show status, destination, filter and metrics`() throws {
    let body = """
        <ReplicationConfiguration><Role>r</Role>
        <Rule><ID>one</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Destination>
        <Bucket>arn:aws:s3:::there</Bucket><Metrics><Status>Enabled</Status></Metrics></Destination></Rule>
        <Rule><ID>two</ID><Status>Disabled</Status><Filter><And><Prefix>x/</Prefix></And></Filter><Destination>
        <Bucket>arn:aws-cn:s3:::else</Bucket></Destination></Rule>
        <Rule><Prefix>old/</Prefix><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::v1</Bucket></Destination></Rule>
        </ReplicationConfiguration>
        """
    let rules = try ReplicationRule.parse(reply(200, [date], body))
    #expect(rules.map(\.id) == ["one", "two", ""])
    #expect(rules.map(\.isEnabled) == [true, false, true])
    #expect(rules.map(\.destinationBucket) == ["there", "else", "v1"])
    #expect(rules.map(\.hasFilter) == [false, true, true])
    #expect(rules.map(\.sendsMetrics) == [true, false, false])
}

@Test func `CreateJob's body has botocore's bytes`() {
    let job = ReplicationJob(
        manifest: .init(objectARN: "arn:aws:s3:::m/k\r&<>.csv", versionID: "v", eTag: "abc"),
        report: .init(
            bucketARN: "arn:aws:s3:::rep", prefix: "p", expectedBucketOwner: "111122223333"),
        clientRequestToken: "tok", description: "d", priority: 10,
        roleARN: "arn:aws:iam::111122223333:role/r", confirmationRequired: false)
    let expected = """
        <CreateJobRequest xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><ConfirmationRequired>false\
        </ConfirmationRequired><Operation><S3ReplicateObject /></Operation><Report><Bucket>arn:aws:s3:::rep</Bucket>\
        <Format>Report_CSV_20180820</Format><Enabled>true</Enabled><Prefix>p</Prefix><ReportScope>AllTasks\
        </ReportScope><ExpectedBucketOwner>111122223333</ExpectedBucketOwner></Report><ClientRequestToken>tok\
        </ClientRequestToken><Manifest><Spec><Format>S3BatchOperations_CSV_20180820</Format><Fields><member>Bucket\
        </member><member>Key</member><member>VersionId</member></Fields></Spec><Location><ObjectArn>\
        arn:aws:s3:::m/k&#13;&amp;&lt;&gt;.csv</ObjectArn><ObjectVersionId>v</ObjectVersionId><ETag>abc</ETag>\
        </Location></Manifest><Description>d</Description><Priority>10</Priority><RoleArn>\
        arn:aws:iam::111122223333:role/r</RoleArn></CreateJobRequest>
        """
    #expect(String(decoding: job.body, as: UTF8.self) == expected)
}

@Test func `a described job tells its progress only when S3 does`() throws {
    func job(_ more: String) throws -> BatchJob {
        let body = """
            <DescribeJobResult><Job><JobId>j</JobId><Status>Failed</Status><Description>s3remedy r1</Description>
            <Operation><S3ReplicateObject/></Operation><CreationTime>2026-11-24T06:11:06.5Z</CreationTime>\(more)
            </Job></DescribeJobResult>
            """
        return try BatchJob.described(reply(200, [date], body))
    }
    let early = try job("")
    #expect(early.progress == nil)
    #expect(early.operation == "S3ReplicateObject")
    #expect(early.creationTime == Timestamp(rfc3339: "2026-11-24T06:11:06.5Z"))
    let late = try job(
        """
        <ProgressSummary><TotalNumberOfTasks>3</TotalNumberOfTasks><NumberOfTasksSucceeded>1</NumberOfTasksSucceeded>
        <NumberOfTasksFailed>2</NumberOfTasksFailed></ProgressSummary><FailureReasons><member>
        <FailureCode>InvalidManifestContent</FailureCode><FailureReason>why</FailureReason></member></FailureReasons>
        """)
    #expect(late.progress?.total == 3)
    #expect(late.progress?.succeeded == 1)
    #expect(late.progress?.failed == 2)
    #expect(late.failureReasons.map(\.code) == ["InvalidManifestContent"])
    #expect(late.hasEnded)
}

@Test func `a page of jobs has its token and the operation by name`() throws {
    let body = """
        <ListJobsResult><NextToken>n</NextToken><Jobs><member><JobId>j</JobId><Status>Active</Status>
        <Operation>S3ReplicateObject</Operation><CreationTime>2026-11-24T06:11:06Z</CreationTime></member></Jobs>
        </ListJobsResult>
        """
    let page = try BatchJobPage(reply(200, [date], body))
    #expect(page.jobs.map(\.operation) == ["S3ReplicateObject"])
    #expect(page.jobs.map(\.hasEnded) == [false])
    #expect(page.nextToken == "n")
}

@Test func `the caller's account has to be one`() throws {
    func identity(_ account: String) throws -> CallerIdentity {
        let body = """
            <GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::1:x</Arn><Account>\(account)</Account>
            </GetCallerIdentityResult></GetCallerIdentityResponse>
            """
        return try CallerIdentity(reply(200, [date], body))
    }
    #expect(try identity("111122223333").account == "111122223333")
    #expect(throws: UnreadableReply.self) { try identity("evil.example/") }
}

@Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
    ("Tue, 29 Feb 2028 23:59:59 GMT", "2028-02-29T23:59:59Z"),
    ("Mon, 01 Jan 2001 00:00:00 GMT", "2001-01-01T00:00:00Z"),
])
func `an HTTP date is read`(text: String, expected: String) {
    #expect(Timestamp(httpDate: text) == Timestamp(rfc3339: expected))
}

@Test(arguments: [
    "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    "Sun, 31 Feb 2026 00:00:00 GMT",
    "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 25:49:37 GMT",
    "Sun, 6 Nov 1994 08:49:37 GMT",
])
func `what is no HTTP date is refused`(text: String) {
    #expect(Timestamp(httpDate: text) == nil)
}
