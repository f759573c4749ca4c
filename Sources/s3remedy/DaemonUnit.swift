internal import Glibc

/// systemd's word for the state of the daemon's unit (`active`, `inactive`, `failed`, …); nil where there is no
/// systemd that answers.
func daemonUnitState() -> String? {
    // timeout: systemctl waits 25 s for a system bus that does not answer.
    let command =
        "command -v systemctl >/dev/null && timeout 3 systemctl is-active s3remedyd 2>/dev/null"
    guard let output = unsafe popen(command, "r") else { return nil }
    var line = [CChar](repeating: 0, count: 64)
    let isRead = unsafe fgets(&line, Int32(line.count), output) != nil
    unsafe pclose(output)
    let word = line.prefix { $0 > 0x20 }.map { UInt8(bitPattern: $0) }
    return isRead && !word.isEmpty ? String(decoding: word, as: UTF8.self) : nil
}
