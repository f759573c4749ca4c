internal import Foundation
package import Logging

/// Writes log lines to stderr: for the journal with its `<N>` priority in front (sd-daemon(3)), for a person with the
/// time and the level.
package struct StandardErrorLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    private let settings: LogSettings
    private let isForJournal: Bool
    private var ownLevel = Logger.Level.trace

    /// - Parameter isForJournal: stderr is the journal's, as `JOURNAL_STREAM` tells.
    package init(_ settings: LogSettings, isForJournal: Bool) {
        self.settings = settings
        self.isForJournal = isForJournal
    }

    /// One logger may be quieter than the settings, not louder: they can change.
    package var logLevel: Logger.Level {
        get { max(ownLevel, settings.level) }
        set { ownLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let pairs = all.sorted { $0.key < $1.key }.map { name, value in
            // An object's key stands in this field and nowhere else.
            let text = name == "key" ? settings.shown(key: "\(value)") : "\(value)"
            return " \(name)=\(oneLine(text))"
        }
        let text = oneLine("\(event.message)") + pairs.joined()
        let line =
            isForJournal
            ? "<\(priority(event.level))>\(text)\n"
            : "\(Date().ISO8601Format()) \(event.level) \(text)\n"
        // A closed stderr must not end the daemon: write(2), and no look at what it says.
        FileHandle.standardError.writeIgnoringErrors(Data(line.utf8))
    }

    /// The priorities of syslog(3).
    private func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// Control characters of keys and bodies never reach a terminal.
    private func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.reduce(into: "") { line, scalar in
            if isControl(scalar) {
                line += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
    }

    private func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
    }
}

extension FileHandle {
    fileprivate func writeIgnoringErrors(_ data: Data) {
        try? write(contentsOf: data)
    }
}
