package import AWSProtocol
package import HTTPTransport

/// Why a call to AWS has no result. Its description is a sentence for the journal; it holds no secret.
package enum AWSFailure: Error, Equatable, Sendable {
    /// The service answered with an error.
    case service(AWSServiceError)
    /// No complete reply.
    case http(operation: String, HTTPFailure)
    /// A success that cannot be read.
    case reply(operation: String, UnreadableReply)
    /// There are no credentials to sign with.
    case credentials(String)
    /// The service has no endpoint of the kind that is asked for.
    case endpoint(EndpointError)

    /// What helps. A caller that goes on forever does so with its own back-off, whatever the kind.
    package var kind: AWSErrorKind {
        switch self {
        case .service(let error): error.kind
        case .http(_, .cancelled), .http(_, .replyTooLarge): .permanent
        case .http: .transient
        case .reply, .endpoint: .permanent
        case .credentials: .credentials
        }
    }

    /// The exchange was cancelled: this part is being stopped.
    package var isCancellation: Bool {
        if case .http(_, .cancelled) = self { true } else { false }
    }

    /// No reply within the time that the call may take.
    package var isDeadline: Bool {
        if case .http(_, .deadlineExceeded) = self { true } else { false }
    }

    /// The service's error code; empty when there is none.
    package var code: String {
        if case .service(let error) = self { error.code } else { "" }
    }
}

extension AWSFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .service(let error): error.description
        case .http(let operation, let failure): "\(operation): \(failure)"
        case .reply(let operation, let error): "\(operation): unreadable reply: \(error)"
        case .credentials(let sentence): sentence
        case .endpoint(let error): "\(error)"
        }
    }
}
