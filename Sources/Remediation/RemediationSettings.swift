package import Domain

/// What a remediation needs of the configuration.
package struct RemediationSettings: Sendable {
    package var roleARN: String
    package var manifestBucket: String
    package var manifestPrefix: String
    package var reportBucket: String
    package var reportPrefix: String
    /// Of the account, ours and others'.
    package var maximumActiveJobs: Int
    /// Between two DescribeJob calls for one job; AWS asks for 30 s at least.
    package var pollInterval: Duration
    package var maximumObjects: Int64
    package var verification = RemediationRun.Verification.all
    package var patience = RemediationPatience()
    /// Objects that are looked at before they are selected.
    package var precheckLimit: Int64 = 100_000
    /// Object versions that the verification `sample` looks at.
    package var sampleObjects: Int64 = 1000
    /// HEADs after which another remediation has its turn.
    package var headsPerStep = 500
    /// How long a plan may look at objects before it answers; the remediation itself looks at the others.
    package var planDuration = Duration.seconds(15)

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

    /// The first pause between two HEADs of one version, in milliseconds: a minute, and it doubles up to a day.
    var firstVerifyPause: Int64 { max(1, pollInterval.milliseconds * 2) }

    func verifyPause(tries: Int64) -> Int64 {
        let longest: Int64 = 86_400_000
        return min(longest, firstVerifyPause << min(tries, 20))
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
