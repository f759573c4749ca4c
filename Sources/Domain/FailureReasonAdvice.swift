/// The documented reasons, in order of their codes, in our own words: 34 in November 2026.
/// Source: Amazon S3 User Guide, "Amazon S3 replication failure reasons"; for the permissions also "Setting up
/// permissions for live replication", "Configuring an IAM role for S3 Batch Replication" and "Replicating encrypted
/// objects".
package let documentedReasons: [ReasonAdvice] = [
    ReasonAdvice(
        code: "AssumeRoleNotPermitted", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: """
            S3 could not take on the role of the replication configuration, or that of the batch \
            job.
            """,
        fix: """
            See that the role exists and that its trust policy lets s3.amazonaws.com (for a job's \
            role: batchoperations.s3.amazonaws.com) call sts:AssumeRole; look for a service \
            control policy that denies it.
            """),
    ReasonAdvice(
        code: "DstBucketInvalidRegion", reasonClass: .job, owner: .operator,
        meaning: """
            The destination bucket is not in the Region that the batch job goes by. Only batch \
            jobs say this.
            """,
        fix: """
            See whether the destination was made anew in another Region since the rule was \
            written, and whether batch.regions sends the job to the source bucket's own Region; \
            then remediate again.
            """),
    ReasonAdvice(
        code: "DstBucketNotFound", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "The bucket that the rule replicates to does not exist.",
        fix: """
            Make the bucket again, with versioning and its bucket policy, or have the rule name \
            another destination.
            """),
    ReasonAdvice(
        code: "DstBucketObjectLockConfigMissing", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: """
            The source object is under Object Lock, and the destination bucket has no Object Lock.
            """,
        fix: """
            Enable Object Lock on the destination bucket: an existing bucket takes it too, once \
            its versioning is enabled.
            """),
    ReasonAdvice(
        code: "DstBucketUnversioned", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "Versioning is not enabled on the destination bucket.",
        fix: "Enable versioning on the destination bucket; suspended is not enough."),
    ReasonAdvice(
        code: "DstDelObjNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "S3 was not allowed to write the delete marker into the destination bucket.",
        fix: """
            Allow the replication role s3:ReplicateDelete on the destination's objects, in the \
            role's policy and, across accounts, in the destination bucket's policy.
            """),
    ReasonAdvice(
        code: "DstKmsKeyInvalidState", reasonClass: .kms, owner: .kmsAdministrator,
        meaning: """
            The KMS key that replicas are encrypted with is disabled, pending deletion or \
            otherwise not usable.
            """,
        fix: """
            Enable the key, or cancel its deletion, in the destination's Region; or have the rule \
            name another key.
            """),
    ReasonAdvice(
        code: "DstKmsKeyNotFound", reasonClass: .kms, owner: .kmsAdministrator,
        meaning: "The KMS key that the rule names for replicas does not exist.",
        fix: """
            Have the rule's ReplicaKmsKeyID name an existing key in the destination bucket's \
            Region; a deleted key does not come back.
            """),
    ReasonAdvice(
        code: "DstMultipartCompleteNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "S3 was not allowed to finish the multipart upload of a replica.",
        fix: """
            Allow the replication role s3:ReplicateObject on the destination's objects, in the \
            role's policy and, across accounts, in the destination bucket's policy.
            """),
    ReasonAdvice(
        code: "DstMultipartInitNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "S3 was not allowed to begin the multipart upload of a replica.",
        fix: """
            Allow the replication role s3:ReplicateObject on the destination's objects, in the \
            role's policy and, across accounts, in the destination bucket's policy; for encrypted \
            replicas also the use of their KMS key.
            """),
    ReasonAdvice(
        code: "DstMultipartUploadNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "S3 was not allowed to upload a part of a replica.",
        fix: """
            Allow the replication role s3:ReplicateObject on the destination's objects, in the \
            role's policy and, across accounts, in the destination bucket's policy.
            """),
    ReasonAdvice(
        code: "DstObjectHardDeleted", reasonClass: .ineligible, owner: .sourceBucketOwner,
        meaning: """
            The replica was deleted by its version ID, and Batch Replication never makes such a \
            version again.
            """,
        fix: """
            If the replica is wanted, copy the source object onto itself: the new version \
            replicates. Else dismiss the failure.
            """),
    ReasonAdvice(
        code: "DstPutAclNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: """
            S3 was not allowed to write the object's access control list into the destination \
            bucket.
            """,
        fix: """
            Allow the replication role s3:ReplicateObject on the destination's objects, or set the \
            destination's Object Ownership to bucket owner enforced, which does without access \
            control lists.
            """),
    ReasonAdvice(
        code: "DstPutLegalHoldNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "S3 was not allowed to set the Object Lock legal hold on the replica.",
        fix: "Allow the replication role s3:PutObjectLegalHold on the destination's objects."),
    ReasonAdvice(
        code: "DstPutObjectNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: """
            S3 was not allowed to write the replica: into the bucket, or with the KMS key it is \
            encrypted with.
            """,
        fix: """
            Allow the replication role s3:ReplicateObject on the destination's objects (and \
            s3:ObjectOwnerOverrideToBucketOwner if the rule changes the owner), also in the \
            bucket's policy across accounts; in the KMS key's policy allow it kms:Decrypt and \
            kms:GenerateDataKey*.
            """),
    ReasonAdvice(
        code: "DstPutRetentionNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "S3 was not allowed to set the Object Lock retention on the replica.",
        fix: "Allow the replication role s3:PutObjectRetention on the destination's objects."),
    ReasonAdvice(
        code: "DstPutTaggingNotPermitted", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: "S3 was not allowed to write the object's tags into the destination bucket.",
        fix: """
            Allow the replication role s3:ReplicateTags and s3:ReplicateObject on the \
            destination's objects: S3's own description names the second, its policies for \
            replication the first as well.
            """),
    ReasonAdvice(
        code: "DstVersionNotFound", reasonClass: .fix, owner: .destinationBucketOwner,
        meaning: """
            A change of tags, access control list or lock was to be replicated, and its version is \
            not in the destination bucket.
            """,
        fix: """
            See why the version is missing there. Remediating replicates the whole object, unless \
            its replica was deleted by version ID: then copy the source object onto itself.
            """),
    ReasonAdvice(
        code: "InitiateReplicationNotPermitted", reasonClass: .job, owner: .operator,
        meaning: "The batch job's role may not start replication. Only batch jobs say this.",
        fix: """
            Allow the role of batch.roleArn s3:InitiateReplication on the source bucket's objects; \
            then remediate again.
            """),
    ReasonAdvice(
        code: "SrcBucketInvalidRegion", reasonClass: .job, owner: .operator,
        meaning: "The source bucket is not in the batch job's Region. Only batch jobs say this.",
        fix: """
            See that the job runs in the source bucket's own Region: the Region of its events, or \
            what batch.regions says; then remediate again.
            """),
    ReasonAdvice(
        code: "SrcBucketNotFound", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: "S3 could not find the source bucket.",
        fix: """
            See whether the bucket was deleted, or deleted and made anew. Where it is gone for \
            good, dismiss its failures.
            """),
    ReasonAdvice(
        code: "SrcBucketReplicationConfigMissing", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: "The source bucket has no replication configuration.",
        fix: """
            Put the replication configuration back, wait some minutes until S3 goes by it, then \
            remediate; where replication is no longer wanted, dismiss the failures.
            """),
    ReasonAdvice(
        code: "SrcGetAclNotPermitted", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: """
            S3 was not allowed to read the object's access control list, or the bucket's owner \
            does not own the object.
            """,
        fix: """
            Allow the replication role s3:GetObjectVersionAcl on the source's objects. Objects of \
            other accounts: set the bucket's Object Ownership to bucket owner enforced.
            """),
    ReasonAdvice(
        code: "SrcGetLegalHoldNotPermitted", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: "S3 was not allowed to read the object's Object Lock legal hold.",
        fix: "Allow the replication role s3:GetObjectLegalHold on the source's objects."),
    ReasonAdvice(
        code: "SrcGetObjectNotPermitted", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: "S3 was not allowed to read the source object.",
        fix: """
            Allow the replication role s3:GetObjectVersionForReplication on the source's objects, \
            and kms:Decrypt on the key of those that are encrypted with KMS; look for a deny in \
            the bucket's policy.
            """),
    ReasonAdvice(
        code: "SrcGetRetentionNotPermitted", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: "S3 was not allowed to read the object's Object Lock retention.",
        fix: "Allow the replication role s3:GetObjectRetention on the source's objects."),
    ReasonAdvice(
        code: "SrcGetTaggingNotPermitted", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: "S3 was not allowed to read the object's tags.",
        fix: "Allow the replication role s3:GetObjectVersionTagging on the source's objects."),
    ReasonAdvice(
        code: "SrcHeadObjectNotPermitted", reasonClass: .fix, owner: .sourceBucketOwner,
        meaning: "S3 was not allowed to read the object's metadata.",
        fix: """
            Allow the replication role s3:GetObjectVersionForReplication on the source's objects; \
            look for a deny in the bucket's policy.
            """),
    ReasonAdvice(
        code: "SrcKeyNotFound", reasonClass: .gone, owner: .nobody,
        meaning: "The source object was deleted before it was replicated.",
        fix: """
            Nothing is left to replicate: the failure is closed once S3 proves that the version is \
            absent.
            """),
    ReasonAdvice(
        code: "SrcKmsKeyInvalidState", reasonClass: .kms, owner: .kmsAdministrator,
        meaning: """
            The KMS key that the source object is encrypted with is disabled, pending deletion or \
            otherwise not usable.
            """,
        fix: """
            Enable the key, or cancel its deletion: without it the object cannot be read by \
            anybody.
            """),
    ReasonAdvice(
        code: "SrcObjectNotEligible", reasonClass: .ineligible, owner: .sourceBucketOwner,
        meaning: """
            The rule does not replicate this object: for its storage class, or because its tags do \
            not match.
            """,
        fix: """
            An object in GLACIER, DEEP_ARCHIVE or an archive tier must be restored and copied onto \
            itself; for tags, see the rule's filter. If it is not meant to be replicated, dismiss \
            the failure.
            """),
    ReasonAdvice(
        code: "SrcObjectNotFound", reasonClass: .gone, owner: .nobody,
        meaning: "The source object does not exist.",
        fix: """
            Nothing is left to replicate: the failure is closed once S3 proves that the version is \
            absent.
            """),
    ReasonAdvice(
        code: "SrcReplicationNotPending", reasonClass: .done, owner: .nobody,
        meaning: "S3 has already replicated this version.",
        fix: "Nothing is to be done: the failure is closed once S3 says COMPLETED."),
    ReasonAdvice(
        code: "SrcVersionNotFound", reasonClass: .gone, owner: .nobody,
        meaning: "The source version was deleted before it was replicated.",
        fix: """
            Nothing is left to replicate: the failure is closed once S3 proves that the version is \
            absent.
            """),
]
