internal import AWSProtocol
package import Logging
internal import Synchronization

/// What a reload may change of the log lines; read for each of them, from any thread.
package final class LogSettings: Sendable {
    private struct State {
        var level: Logger.Level
        var keys: Configuration.KeyLogging
        var salt: [UInt8]?
    }

    private let state: Mutex<State>

    package init(level: Configuration.LogLevel = .info, keys: Configuration.KeyLogging = .plain) {
        state = Mutex(State(level: Self.level(level), keys: keys))
    }

    package func set(level: Configuration.LogLevel, keys: Configuration.KeyLogging) {
        state.withLock { state in
            state.level = Self.level(level)
            state.keys = keys
        }
    }

    /// What hashes of keys are made with: secret to those who read the journal alone, and the same after a restart.
    package func setSalt(_ salt: [UInt8]) { state.withLock { $0.salt = salt } }

    package var level: Logger.Level { state.withLock { $0.level } }

    /// How an object key stands in a log line. With `hash` it is the beginning of an HMAC-SHA-256: without the salt
    /// nobody can tell whether it is the hash of a key that he guesses.
    package func shown(key: String) -> String {
        let (keys, salt) = state.withLock { ($0.keys, $0.salt) }
        guard keys == .hash else { return key }
        guard let salt else { return "hidden" }
        return "hmac:" + hexadecimal(Array(hmacSHA256(key: salt, Array(key.utf8)).prefix(8)))
    }

    private static func level(_ level: Configuration.LogLevel) -> Logger.Level {
        Logger.Level(rawValue: level.rawValue) ?? .info
    }
}
