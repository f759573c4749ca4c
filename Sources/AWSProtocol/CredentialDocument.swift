internal import Domain
internal import JSONScanning

/// The JSON in which the instance metadata service, a container's endpoint and a credential_process hand out
/// credentials. Its bytes never appear in an error.
package struct CredentialDocument {
    /// The instance metadata service writes its errors with status 200.
    package var code: String?
    package var message: String?
    /// Of a credential_process.
    package var version: Int64?
    private var accessKeyID: String?
    private var secretAccessKey: String?
    private var token: String?
    private var expiration: String?

    package init(_ bytes: [UInt8]) throws(UnreadableReply) {
        var scanner = JSONScanner(bytes)
        var fields: [String: JSONField] = [:]
        do throws(JSONError) {
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                try scanner.read(into: &fields[scanner.text(name), default: JSONField()])
            }
            try scanner.finish()
        } catch {
            throw UnreadableReply("not the JSON of credentials: \(error)")
        }
        func text(_ name: String) -> String? {
            guard let value = fields[name]?.value, value.kind == .string,
                fields[name]?.repeatedAt == nil
            else { return nil }
            return scanner.text(value)
        }
        code = text("Code")
        message = text("Message")
        version = fields["Version"]?.value.flatMap { scanner.integer($0) }
        accessKeyID = text("AccessKeyId")
        secretAccessKey = text("SecretAccessKey")
        // A credential_process says SessionToken, the services say Token.
        token = text("Token") ?? text("SessionToken")
        expiration = text("Expiration")
    }

    package func credentials() throws(UnreadableReply) -> AWSCredentials {
        guard let accessKeyID, !accessKeyID.isEmpty else { throw missing("AccessKeyId") }
        guard let secretAccessKey, !secretAccessKey.isEmpty else {
            throw missing("SecretAccessKey")
        }
        var credentials = AWSCredentials(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
            sessionToken: token == "" ? nil : token)
        if let expiration {
            guard let time = Timestamp(rfc3339: expiration) else {
                throw UnreadableReply("credentials with an Expiration that is no RFC 3339 time")
            }
            credentials.expiration = time
        }
        return credentials
    }

    private func missing(_ member: String) -> UnreadableReply {
        UnreadableReply("credentials without \(member)")
    }
}

extension CredentialDocument: CustomStringConvertible, CustomReflectable {
    package var description: String { "a credential document" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
