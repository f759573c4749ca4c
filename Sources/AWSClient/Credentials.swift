package import AWSProtocol

/// Where credentials come from. Shared by all parts of the process; each implementation says how it keeps them.
package protocol CredentialsProviding: Sendable {
    /// The newest credentials; fetches new ones when the kept ones are about to expire.
    nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials

    /// A service refused these as expired or unknown: the next `credentials()` must not take them from a cache.
    nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async
}

/// The credentials of the process's environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary
/// ones, `AWS_SESSION_TOKEN`. They never change while the process runs.
package struct EnvironmentCredentials: CredentialsProviding {
    private let found: AWSCredentials?
    private let problem: String

    package init(environment: [String: String]) {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        let missing = names.filter { (environment[$0] ?? "").isEmpty }
        problem =
            "no AWS credentials: \(missing.joined(separator: " and ")) "
            + "\(missing.count == 1 ? "is" : "are") not set in the environment"
        let token = environment["AWS_SESSION_TOKEN"] ?? ""
        found =
            missing.isEmpty
            ? AWSCredentials(
                accessKeyID: environment[names[0]] ?? "",
                secretAccessKey: environment[names[1]] ?? "",
                sessionToken: token.isEmpty ? nil : token)
            : nil
    }

    package nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
        guard let found else { throw .credentials(problem) }
        return found
    }

    package nonisolated(nonsending) func reject(_ credentials: AWSCredentials) async {}
}
