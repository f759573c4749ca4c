/// The body of `POST /v1/failures/verify`.
package struct VerifyRequest: Codable, Sendable {
    /// Any other member is refused.
    package static let members = ["filter", "dryRun", "confirmGone", "cursor"]

    /// Names a rule or a bucket at least.
    package var filter: FailureFilter
    /// Ask S3, and change nothing.
    package var dryRun: Bool?
    /// Close versions as gone even where more than 100 and a tenth are.
    package var confirmGone: Bool?
    /// `nextCursor` of the answer before.
    package var cursor: String?

    package init(filter: FailureFilter) {
        self.filter = filter
    }
}

/// What S3 said, as far as one answer goes: clients go on until `nextCursor` is absent.
package struct VerifyReply: Codable, Sendable {
    /// Failures that were asked about; closed ones are not.
    package var looked: Int64
    /// Those that changed, or would on a dry run, by the state that they came to.
    package var changed: [String: Int64]
    /// Why some of them were not told of, or not closed.
    package var problem: String?
    package var nextCursor: String?

    package init(
        looked: Int64, changed: [String: Int64], problem: String?, nextCursor: String?
    ) {
        self.looked = looked
        self.changed = changed
        self.problem = problem
        self.nextCursor = nextCursor
    }
}
