/// A reply with a success status that cannot be read: a proxy's page, a truncated or an unexpected document.
package struct UnreadableReply: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, without the name of the operation.
    package var problem: String

    package init(_ problem: String) {
        self.problem = problem
    }

    package var description: String { problem }
}
