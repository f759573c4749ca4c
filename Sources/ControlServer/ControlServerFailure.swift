internal import Glibc

/// Why a server does not start.
package enum ControlServerFailure: Error, Equatable, CustomStringConvertible {
    /// Longer than `sockaddr_un` holds, empty, or with a NUL in it.
    case unusablePath(String)
    /// A process answers on the socket.
    case pathInUse(String)
    /// Something else than a socket is there.
    case notASocket(String)
    /// A system call failed on the path.
    case system(call: String, path: String, errno: Int32)
    /// The descriptor handed in is not open or not one that can be listened on.
    case unusableDescriptor(Int32, errno: Int32)
    /// Nobody can listen there, or somebody else does.
    case unusableAddress(TCPAddress, errno: Int32)
    /// libmicrohttpd refused; it said why, if anything.
    case library(String)
    /// `start` was called before.
    case alreadyStarted

    package var description: String {
        switch self {
        case .unusablePath(let path):
            "the control socket's path \"\(path)\" must have 1 to \(socketPathBytes) bytes and no NUL: choose another"
        case .pathInUse(let path):
            "another process answers on the control socket \(path): stop it, or choose another path"
        case .notASocket(let path):
            "\(path) exists and is not a socket: remove it, or choose another path for the control socket"
        case .system(let call, let path, let code):
            "\(call) failed for the control socket \(path): \(String(cString: strerror(code)))"
        case .unusableDescriptor(let descriptor, let code):
            "descriptor \(descriptor) cannot serve as the control socket: \(String(cString: strerror(code)));"
                + " it must be a listening Unix stream socket"
        case .unusableAddress(let address, let code):
            "cannot listen on \(address): \(String(cString: strerror(code))); " + fix(code)
        case .library(let message):
            "libmicrohttpd did not start: \(message)"
        case .alreadyStarted:
            "the control server was started before: make a new one"
        }
    }
}

private func fix(_ code: Int32) -> String {
    switch code {
    case EADDRINUSE: "stop what listens there, or choose another port"
    case EADDRNOTAVAIL: "choose an address of this host, such as 127.0.0.1"
    case EACCES: "choose a port above 1023"
    default: "choose another address"
    }
}

/// `sizeof(sun_path)` less its NUL, unix(7).
let socketPathBytes = 107
