internal import ControlAPI

/// The exit codes; scripts rely on them.
enum ExitStatus: Int32, Sendable {
    case ok = 0
    case error = 1
    case usage = 2
    case unreachable = 3
    case notPermitted = 4
    case temporary = 5
    case findings = 6
    case nothingToDo = 7
    /// As a shell reports a death by SIGINT.
    case interrupted = 130
}

/// Why a command ends early.
enum CommandFailure: Error, Sendable {
    /// The call itself is wrong; ArgumentParser's whole text or a sentence.
    case usage(String)
    /// No daemon behind the socket.
    case unreachable(socket: String, cause: String, unit: DaemonUnit?)
    case socketForbidden(String)
    /// The daemon took the request and did not answer in full.
    case noAnswer(String)
    /// The daemon said no. `code` is stable, `detail` a sentence.
    case refused(status: Int, code: String, detail: String)
    /// The daemon's answer is not of this program's interface.
    case notUnderstood(String)
    case notFound(String)
    case notWritten(String)
    /// Nobody said yes; a sentence.
    case declined(String)
    case nothingToDo(String)
    /// A remediation is no longer followed; it goes on in the daemon. The sentence says how to watch it.
    case notFollowed(String, ExitStatus)

    var status: ExitStatus {
        switch self {
        case .usage: .usage
        case .unreachable: .unreachable
        case .socketForbidden: .notPermitted
        case .noAnswer: .temporary
        case .refused(let status, let code, _): Self.status(ofReply: status, code)
        case .notUnderstood, .notFound, .notWritten, .declined: .error
        case .nothingToDo: .nothingToDo
        case .notFollowed(_, let status): status
        }
    }

    private static func status(ofReply status: Int, _ code: String) -> ExitStatus {
        if code == ProblemCode.nothingToDo.rawValue { return .nothingToDo }
        switch status {
        case 403: return .notPermitted
        case 503: return .temporary
        default: return .error
        }
    }

    /// What is written to standard error, with its line end.
    var message: String {
        switch self {
        case .usage(let text): text.hasPrefix("Error:") ? text + "\n" : "Error: \(text)\n"
        default: "s3remedy: \(sentence)\n"
        }
    }

    private var sentence: String {
        switch self {
        case .unreachable(let socket, let cause, let unit):
            "the daemon cannot be reached at \(shown(socket)): \(shown(cause))."
                + (unit?.sentence ?? "")
                + " Start it: systemctl start s3remedyd (by hand: s3remedyd run)."
        case .socketForbidden(let socket):
            "you may not open \(shown(socket)): run this as root or as a member of the socket's group."
        case .refused(_, let code, let detail): shown(detail) + " (\(shown(code)))"
        case .notWritten(let cause): "cannot write the output: \(cause)."
        case .usage(let text), .nothingToDo(let text), .noAnswer(let text),
            .notUnderstood(let text),
            .notFound(let text), .declined(let text),
            .notFollowed(let text, _):
            text
        }
    }
}
