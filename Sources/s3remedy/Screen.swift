internal import FoundationEssentials
internal import Glibc

/// Standard output or standard error, and what it can show.
struct Screen: Sendable {
    let descriptor: Int32
    let isTerminal: Bool
    let hasColours: Bool

    /// `NO_COLOR` (https://no-color.org) counts when it is set and not empty.
    init(
        descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
        hasColours =
            isTerminal && environment["NO_COLOR", default: ""].isEmpty
            && environment["TERM"] != "dumb"
    }

    /// Columns; 80 when it is not a terminal. Asked anew each time: windows change.
    var width: Int {
        var window = winsize()
        guard isTerminal, unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0,
            window.ws_col > 0
        else { return 80 }
        return Int(window.ws_col)
    }

    func write(_ text: String) throws(CommandFailure) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
            if count >= 0 {
                bytes = bytes.dropFirst(count)
            } else if errno != EINTR {
                throw .notWritten(unsafe String(cString: strerror(errno)))
            }
        }
    }

    func write(lines: [String]) throws(CommandFailure) {
        try write(lines.map { $0 + "\n" }.joined())
    }

    /// Terminal styles (ECMA-48, "select graphic rendition").
    enum Style: String {
        case bold = "1"
        case red = "1;31"
        case yellow = "33"
        case green = "32"
        case dim = "2"
    }

    func styled(_ text: String, _ style: Style) -> String {
        hasColours ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }

    /// The table with its title line in bold.
    func lines(of table: TextTable) -> [String] {
        var lines = table.lines(width: width)
        lines[0] = styled(lines[0], .bold)
        return lines
    }

    func fields(_ pairs: [(name: String, value: String?)]) -> [String] {
        s3remedy.fields(pairs, width: width)
    }

    /// A heading with a blank line before it.
    func heading(_ text: String) -> [String] { ["", styled(text, .bold)] }

    /// The next useful command, with a blank line before it.
    func next(_ command: String) -> [String] { ["", styled("Next: ", .dim) + command] }
}
