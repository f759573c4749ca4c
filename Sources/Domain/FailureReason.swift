/// What helps against a `failureReason`.
package enum ReasonClass: String, Codable, Sendable, CaseIterable {
    /// A configuration or a permission must be mended first.
    case fix
    /// A KMS key or its policy must be mended first.
    case kms
    /// Batch Replication cannot help.
    case ineligible
    /// The source is gone: closed once that is proved.
    case gone
    /// Already replicated: closed once S3 says so.
    case done
    /// The batch job's own role or Region.
    case job
    case unknown
}

/// The documented reasons of `Replication:OperationFailedReplication`, each with its class.
/// Source: Amazon S3 User Guide, "Amazon S3 replication failure reasons" (34 codes, November 2026).
/// Codes are kept verbatim; one that is not listed is of class `unknown`.
package func reasonClass(of code: String) -> ReasonClass {
    // A dictionary of strings would take U+212A, the Kelvin sign, for a K: the codes are ASCII.
    code.utf8.allSatisfy { $0 < 0x80 } ? documentedReasons[code] ?? .unknown : .unknown
}

/// Every documented code with its class.
package let documentedReasons: [String: ReasonClass] = [
    "AssumeRoleNotPermitted": .fix,
    "DstBucketInvalidRegion": .job,
    "DstBucketNotFound": .fix,
    "DstBucketObjectLockConfigMissing": .fix,
    "DstBucketUnversioned": .fix,
    "DstDelObjNotPermitted": .fix,
    "DstKmsKeyInvalidState": .kms,
    "DstKmsKeyNotFound": .kms,
    "DstMultipartCompleteNotPermitted": .fix,
    "DstMultipartInitNotPermitted": .fix,
    "DstMultipartUploadNotPermitted": .fix,
    "DstObjectHardDeleted": .ineligible,
    "DstPutAclNotPermitted": .fix,
    "DstPutLegalHoldNotPermitted": .fix,
    "DstPutObjectNotPermitted": .fix,
    "DstPutRetentionNotPermitted": .fix,
    "DstPutTaggingNotPermitted": .fix,
    "DstVersionNotFound": .fix,
    "InitiateReplicationNotPermitted": .job,
    "SrcBucketInvalidRegion": .job,
    "SrcBucketNotFound": .fix,
    "SrcBucketReplicationConfigMissing": .fix,
    "SrcGetAclNotPermitted": .fix,
    "SrcGetLegalHoldNotPermitted": .fix,
    "SrcGetObjectNotPermitted": .fix,
    "SrcGetRetentionNotPermitted": .fix,
    "SrcGetTaggingNotPermitted": .fix,
    "SrcHeadObjectNotPermitted": .fix,
    "SrcKeyNotFound": .gone,
    "SrcKmsKeyInvalidState": .kms,
    "SrcObjectNotEligible": .ineligible,
    "SrcObjectNotFound": .gone,
    "SrcReplicationNotPending": .done,
    "SrcVersionNotFound": .gone,
]
