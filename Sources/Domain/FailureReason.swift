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

/// Who can mend the cause of a `failureReason`.
package enum ReasonOwner: String, Codable, Sendable, CaseIterable {
    /// Whoever configures the source bucket, its replication and the role of that.
    case sourceBucketOwner
    /// Whoever configures the destination bucket, which may be another account.
    case destinationBucketOwner
    case kmsAdministrator
    /// Whoever runs this daemon: its jobs' role and Region.
    case `operator`
    /// There is nothing to mend.
    case nobody
    case unknown
}

/// What is known of a `failureReason`.
package struct ReasonAdvice: Hashable, Sendable {
    /// Verbatim, as S3 sends it.
    package var code: String
    package var reasonClass: ReasonClass
    package var owner: ReasonOwner
    /// What happened, in a sentence.
    package var meaning: String
    /// What to do, in sentences.
    package var fix: String
}

/// What is known of a code, documented or not: S3 on Outposts and older documentation have other spellings, and S3 may
/// send a new one any day.
package func advice(for code: String) -> ReasonAdvice {
    adviceByCode[Array(code.utf8)]
        ?? ReasonAdvice(
            code: code, reasonClass: .unknown, owner: .unknown,
            meaning: "Amazon S3's documentation of November 2026 does not have this reason.",
            fix: """
                Look it up in the Amazon S3 User Guide, "Amazon S3 replication failure reasons"; what begins with Src is \
                mostly mended at the source bucket, what begins with Dst at the destination.
                """)
}

/// Codes are kept verbatim; one that is not documented is of class `unknown`.
package func reasonClass(of code: String) -> ReasonClass {
    adviceByCode[Array(code.utf8)]?.reasonClass ?? .unknown
}

/// By their bytes: as a string, U+212A, the Kelvin sign, would be a K.
private let adviceByCode: [[UInt8]: ReasonAdvice] = Dictionary(
    uniqueKeysWithValues: documentedReasons.map { (Array($0.code.utf8), $0) })
