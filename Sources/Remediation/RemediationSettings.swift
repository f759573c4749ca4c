/// What a remediation needs of the configuration.
package struct RemediationSettings: Sendable {
    package var roleARN: String
    package var manifestBucket: String
    package var manifestPrefix: String
    package var reportBucket: String
    package var reportPrefix: String
    package var maximumActiveJobs: Int
    /// Between two DescribeJob calls for one job; also the first back-off of a HEAD.
    package var pollInterval: Duration
    package var maximumObjects: Int64

    package init(
        roleARN: String, manifestBucket: String, manifestPrefix: String, reportBucket: String,
        reportPrefix: String, maximumActiveJobs: Int, pollInterval: Duration, maximumObjects: Int64
    ) {
        self.roleARN = roleARN
        self.manifestBucket = manifestBucket
        self.manifestPrefix = manifestPrefix
        self.reportBucket = reportBucket
        self.reportPrefix = reportPrefix
        self.maximumActiveJobs = maximumActiveJobs
        self.pollInterval = pollInterval
        self.maximumObjects = maximumObjects
    }
}
