internal import CSystemd
internal import Glibc

/// The sockets that systemd opened for the daemon, sd_listen_fds(3).
package struct InheritedSockets: Sendable {
    private struct Entry {
        let name: String
        let descriptor: Int32
    }

    private let entries: [Entry]

    /// Reads `$LISTEN_PID`, `$LISTEN_FDS` and `$LISTEN_FDNAMES`, and sets close-on-exec on each descriptor. None when
    /// they are meant for another process. To be made once: the environment stays as it is.
    package init() throws(InheritedSocketFailure) {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(0, &names)
        guard count >= 0 else { throw .unreadable(errno: -count) }
        defer {
            for index in 0..<Int(count) { free(names?[index]) }
            free(names)
        }
        entries = (0..<count).map { index in
            Entry(
                name: names?[Int(index)].map { String(cString: $0) } ?? "",
                descriptor: SD_LISTEN_FDS_START + index)
        }
    }

    /// The listening Unix stream socket with `FileDescriptorName=` of that name; nil when there is none. The caller
    /// owns it.
    package func unixStreamListener(named name: String) throws(InheritedSocketFailure) -> Int32? {
        let found = entries.filter { $0.name == name }
        guard let entry = found.first else { return nil }
        guard found.count == 1 else { throw .ambiguous(name: name, count: found.count) }
        let type = Int32(SOCK_STREAM.rawValue)
        guard sd_is_socket_unix(entry.descriptor, type, 1, nil, 0) > 0 else {
            throw .notAListener(name: name, descriptor: entry.descriptor)
        }
        return entry.descriptor
    }
}

/// What is wrong with the sockets that systemd passed.
package enum InheritedSocketFailure: Error, Equatable, CustomStringConvertible {
    case unreadable(errno: Int32)
    case ambiguous(name: String, count: Int)
    case notAListener(name: String, descriptor: Int32)

    package var description: String {
        switch self {
        case .unreadable(let code):
            "the sockets passed by systemd cannot be read: \(String(cString: strerror(code)));"
                + " check LISTEN_FDS and LISTEN_FDNAMES"
        case .ambiguous(let name, let count):
            "systemd passed \(count) sockets named \"\(name)\": keep one ListenStream= with"
                + " FileDescriptorName=\(name)"
        case .notAListener(let name, let descriptor):
            "descriptor \(descriptor), which systemd named \"\(name)\", is not a listening Unix stream socket:"
                + " use ListenStream=/path"
        }
    }
}
