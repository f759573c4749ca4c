package import Domain

/// The filters of `GET /v1/failures`, under the names of its query; also a remediation's `filter`.
package struct FailureFilter: Codable, Hashable, Sendable {
    /// `BUCKET/RULE-ID`.
    package var rule: String?
    package var bucket: String?
    package var destination: String?
    package var state: String?
    package var reason: String?
    package var reasonClass: String?
    package var operation: String?
    /// The key's first characters, not encoded.
    package var prefix: String?
    /// One key, RFC 3986-encoded with `/` kept.
    package var keyEncoded: String?
    package var version: String?
    /// Bounds of `lastFailedAt`: at or after `since`, before `until`.
    package var since: Timestamp?
    package var until: Timestamp?
    /// `firstFailedAt` at or after it.
    package var firstSince: Timestamp?

    package init() {}
}

/// The body of `POST /v1/remediations`: a plan with `dryRun`, else the start of one.
package struct RemediationRequest: Codable, Sendable {
    package struct Object: Codable, Hashable, Sendable {
        package var keyEncoded: String
        package var versionId: String
    }

    /// Any other member is refused.
    package static let members = [
        "rule", "filter", "objects", "canary", "priority", "confirmation", "dryRun", "plannedAt",
        "expectedObjects",
    ]

    /// `BUCKET/RULE-ID`.
    package var rule: String
    package var filter: FailureFilter?
    package var objects: [Object]?
    package var canary: Int?
    package var priority: Int?
    package var confirmation: Bool?
    package var dryRun: Bool?
    /// From the plan: failures first seen later are left out.
    package var plannedAt: Timestamp?
    /// From the plan: more than that is refused (`planChanged`).
    package var expectedObjects: Int64?

    package init(rule: String) {
        self.rule = rule
    }
}

/// The answer to a `dryRun`: what a remediation would do.
package struct PlanReply: Codable, Sendable {
    package struct Reason: Codable, Sendable {
        package var reason: String
        package var reasonClass: String
        package var destinationBucket: String
        package var objects: Int64

        package init(reason: String, reasonClass: String, destinationBucket: String, objects: Int64)
        {
            self.reason = reason
            self.reasonClass = reasonClass
            self.destinationBucket = destinationBucket
            self.objects = objects
        }
    }

    /// What the plan's own HEADs found, and took out of it.
    package struct Precheck: Codable, Sendable {
        package var looked: Int64
        package var replicated: Int64
        package var gone: Int64
        package var parked: Int64

        package init(looked: Int64, replicated: Int64, gone: Int64, parked: Int64) {
            self.looked = looked
            self.replicated = replicated
            self.gone = gone
            self.parked = parked
        }
    }

    package var sourceBucket: String
    package var ruleId: String
    package var region: String
    package var objects: Int64
    package var bytes: Int64
    package var estimatedCost: RemediationItem.Cost
    package var reasons: [Reason]
    /// Other rules of the bucket with open failures: a job runs every rule that matches an object.
    package var otherRules: [String]
    package var warnings: [String]
    package var precheck: Precheck?
    package var plannedAt: Timestamp

    package init(
        sourceBucket: String, ruleId: String, region: String, objects: Int64, bytes: Int64,
        estimatedCost: RemediationItem.Cost, reasons: [Reason], otherRules: [String],
        warnings: [String], plannedAt: Timestamp
    ) {
        self.sourceBucket = sourceBucket
        self.ruleId = ruleId
        self.region = region
        self.objects = objects
        self.bytes = bytes
        self.estimatedCost = estimatedCost
        self.reasons = reasons
        self.otherRules = otherRules
        self.warnings = warnings
        self.plannedAt = plannedAt
    }
}

/// A remediation.
package struct RemediationItem: Codable, Sendable {
    package struct Cost: Codable, Sendable {
        /// US dollars for jobs and tasks; what else AWS bills is named in `notIncluded`.
        package var jobsUSD: Double
        package var notIncluded: [String]
    }

    package struct Job: Codable, Sendable {
        package struct Manifest: Codable, Sendable {
            package var bucket: String
            package var key: String
            package var eTag: String?
            package var versionId: String?
        }

        package struct Tasks: Codable, Sendable {
            package var total: Int64
            package var succeeded: Int64
            package var failed: Int64
        }

        package struct Report: Codable, Sendable {
            package var bucket: String
            package var key: String
        }

        /// `canary` or `main`.
        package var role: String
        package var jobId: String?
        /// S3's word, such as `Active`.
        package var status: String?
        package var manifest: Manifest?
        package var tasks: Tasks?
        package var report: Report?
        package var problem: String?
    }

    package struct HeldBack: Codable, Sendable {
        package var reason: String
        package var destinationBucket: String
        package var objects: Int64
    }

    package struct Outcome: Codable, Sendable {
        package var replicated: Int64 = 0
        package var failedAgain: Int64 = 0
        package var gone: Int64 = 0
        package var parked: Int64 = 0
        package var verifying: Int64 = 0

        package init() {}
    }

    package var id: String
    package var sourceBucket: String
    package var ruleId: String
    /// `planned`, `selected`, `manifestWritten`, `jobRequested`, `jobFollowed`, `reportRead`, `verifying`, `finished`,
    /// `failed` or `cancelled`.
    package var state: String
    package var filter: FailureFilter?
    package var canary: Int?
    package var objects: Int64
    package var bytes: Int64
    package var estimatedCost: Cost
    package var jobs: [Job]
    package var heldBack: [HeldBack]
    package var outcome: Outcome
    package var createdAt: Timestamp
    package var createdBy: String
    package var finishedAt: Timestamp?
    package var problem: String?
}
