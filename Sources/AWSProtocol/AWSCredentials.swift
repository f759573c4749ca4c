package import Domain

/// One set of AWS credentials. Its description and mirror show the access key ID alone, so that no log, error or
/// dump can hold the secret.
package struct AWSCredentials: Hashable, Sendable {
    package var accessKeyID: String
    package var secretAccessKey: String
    package var sessionToken: String?
    /// Nil: they do not expire.
    package var expiration: Timestamp?

    package init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil,
        expiration: Timestamp? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }
}

extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "credentials of \(accessKeyID)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}

extension AWSCredentials {
    /// `text` with the secret and the session token replaced: some services quote the canonical request, token and
    /// all, in the message of a signature error.
    package func redacting(_ text: String) -> String {
        var result = text
        for secret in [secretAccessKey, sessionToken ?? ""] where !secret.isEmpty {
            result = result.split(separator: secret, omittingEmptySubsequences: false)
                .joined(separator: "[removed]")
        }
        return result
    }
}
