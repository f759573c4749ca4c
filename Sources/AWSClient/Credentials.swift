package import AWSProtocol

/// Where credentials come from. Shared by all parts of the process; each implementation says how it keeps them.
package protocol CredentialsProviding: Sendable {
    /// The newest credentials; fetches new ones when the kept ones are about to expire.
    nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials

    /// A service refused these as expired or unknown: the next `credentials()` must not take them from a cache.
    nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async
}
