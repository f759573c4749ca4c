package import Domain

/// A failure reason with what helps.
package struct ReasonItem: Codable, Hashable, Sendable {
    /// Verbatim.
    package var code: String
    package var reasonClass: String
    package var meaning: String
    /// Who can mend the cause: `sourceBucketOwner`, `destinationBucketOwner`, `kmsAdministrator`, `operator`
    /// (of this daemon), `nobody`, `unknown`.
    package var owner: String
    package var fix: String

    package init(_ advice: ReasonAdvice) {
        code = advice.code
        reasonClass = advice.reasonClass.rawValue
        meaning = advice.meaning
        owner = advice.owner.rawValue
        fix = advice.fix
    }
}
