internal import CSystemd

/// Tells the service manager how the daemon is: one datagram per call to `$NOTIFY_SOCKET`, sd_notify(3).
///
/// Without a manager the calls do nothing. They do not block: the socket is a datagram socket that the manager empties.
package struct SystemdNotifier: Sendable {
    /// What became of a notification. None of it is a reason to end.
    package enum Delivery: Sendable, Equatable {
        case sent
        /// `$NOTIFY_SOCKET` is not set: no manager asks.
        case notAsked
        /// The value is an errno.
        case failed(Int32)
    }

    package init() {}

    /// Start-up is over, with a first status. Sent after the sockets listen and the signal handlers stand.
    @discardableResult
    package func ready(status: String) -> Delivery {
        send(["READY=1", statusLine(status)])
    }

    /// One line for `systemctl status`.
    @discardableResult
    package func status(_ text: String) -> Delivery {
        send([statusLine(text)])
    }

    /// The daemon begins to shut down.
    @discardableResult
    package func stopping() -> Delivery {
        send(["STOPPING=1"])
    }

    /// Why the daemon is about to fail; `code` is an errno.
    @discardableResult
    package func errno(_ code: Int32, status: String) -> Delivery {
        send(["ERRNO=\(code)", statusLine(status)])
    }

    /// Start-up or shutdown needs longer: the manager waits this much from now. To be repeated before it is over.
    @discardableResult
    package func extendTimeout(microseconds: UInt64) -> Delivery {
        send(["EXTEND_TIMEOUT_USEC=\(microseconds)"])
    }

    /// The sign of life that `watchdogMicroseconds` asks for.
    @discardableResult
    package func watchdog() -> Delivery {
        send(["WATCHDOG=1"])
    }

    /// The manager kills the daemon when `watchdog` is silent for this long; nil when it does not look.
    package var watchdogMicroseconds: UInt64? {
        var microseconds: UInt64 = 0
        return sd_watchdog_enabled(0, &microseconds) > 0 ? microseconds : nil
    }

    /// Whether systemd is the machine's init, sd_booted(3).
    package static var isBooted: Bool { sd_booted() > 0 }

    private func send(_ assignments: [String]) -> Delivery {
        let result = sd_notify(0, assignments.joined(separator: "\n"))
        return result > 0 ? .sent : result == 0 ? .notAsked : .failed(-result)
    }

    /// A control character would end the line and begin another assignment, a NUL the whole message.
    private func statusLine(_ text: String) -> String {
        let line = text.unicodeScalars.prefix(1024)
            .map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) }
        return "STATUS=" + String(line)
    }
}
