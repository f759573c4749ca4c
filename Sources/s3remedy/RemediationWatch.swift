internal import ControlAPI
internal import Dispatch
internal import SystemIO

/// Follows one remediation until it is over: a line per change on standard error, or one line that renews itself when
/// that is a terminal.
struct RemediationWatch {
    let session: Session
    let id: String

    /// A daemon that restarts resumes its remediations: so many seconds it may be away.
    private static let patience = 120

    func follow(_ started: RemediationItem) async throws(CommandFailure) -> RemediationItem {
        let interrupt = await endOnInterrupt("\n" + goesOn + "\n")
        defer { interrupt.cancel() }
        var item = started
        var last = ""
        var bar = ProgressBar()
        var missed = 0
        try report("remediation \(shown(id)) has started", &last)
        while !item.isOver {
            let now = session.clock.monotonicNanoseconds()
            try report(
                session.messages.isTerminal ? bar.line(item, at: now) : item.progress, &last)
            try await pause()
            do throws(CommandFailure) {
                item = try await session.client.get("/v1/remediations/" + segment(id))
                missed = 0
            } catch {
                missed += 1
                guard error.mayPass, missed < Self.patience else {
                    throw error.mayPass ? .notFollowed(goesOn, error.status) : error
                }
                try report("the daemon does not answer; asking again", &last)
            }
        }
        if session.messages.isTerminal { try session.messages.write("\r\u{1b}[K") }
        return item
    }

    private var goesOn: String {
        "The remediation goes on in the daemon. Watch it: s3remedy remediations show "
            + shellWord(id)
    }

    private func pause() async throws(CommandFailure) {
        do {
            try await session.clock.sleep(for: .seconds(1))
        } catch {
            throw .notFollowed(goesOn, .interrupted)
        }
    }

    private func report(_ line: String, _ last: inout String) throws(CommandFailure) {
        guard line != last else { return }
        last = line
        let screen = session.messages
        guard screen.isTerminal else { return try screen.write(line + "\n") }
        try screen.write("\r\u{1b}[K" + elided(line, to: screen.width - 1))
    }
}

extension CommandFailure {
    /// Whether the same request may succeed a moment later.
    fileprivate var mayPass: Bool { status == .unreachable || status == .temporary }
}
