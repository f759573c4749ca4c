internal import Glibc

/// What systemd knows of the daemon's unit: why there may be no daemon.
struct DaemonUnit: Sendable {
    /// `active`, `inactive`, `failed`, …
    let state: String
    /// The newest journal line of priority `err` or worse that this user may read.
    let lastError: String?

    /// Nil where there is no systemd that answers.
    init?() {
        // timeout: systemctl waits 25 s for a system bus that does not answer.
        guard let state = firstLine(of: "timeout 3 systemctl is-active s3remedyd") else {
            return nil
        }
        self.state = state
        lastError = firstLine(of: "timeout 3 journalctl -q -u s3remedyd -p err -n 1 -o cat")
    }

    /// A sentence with a blank before it.
    var sentence: String {
        " The unit s3remedyd is \(shown(state))"
            + (lastError.map { ", its last error: \(shown($0))" } ?? "") + "."
    }
}

/// At most 1,023 bytes of the first line that a fixed command writes to standard output; nil for none.
private func firstLine(of command: String) -> String? {
    guard let output = unsafe popen(command + " 2>/dev/null", "r") else { return nil }
    var line = [CChar](repeating: 0, count: 1024)
    let isRead = unsafe fgets(&line, Int32(line.count), output) != nil
    unsafe pclose(output)
    let bytes = line.prefix { $0 != 0 && $0 != 0x0A }.map { UInt8(bitPattern: $0) }
    return isRead && !bytes.isEmpty ? String(decoding: bytes, as: UTF8.self) : nil
}
