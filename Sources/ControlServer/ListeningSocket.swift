internal import Glibc

/// Where a server listens.
package enum ControlListener: Sendable, Equatable {
    /// A listening Unix stream socket, such as systemd hands over. The server owns and closes it; the file stays.
    case descriptor(Int32)
    /// A socket to be made here, mode 0660. One that a dead process left behind is replaced. Removed at the stop.
    case path(String)
    /// A TCP socket to be made here. Its clients are unknown: `ControlPeer.unknown`.
    case tcp(TCPAddress)
}

/// A listening, non-blocking stream socket and, when it was bound here to a path, its file.
struct ListeningSocket {
    /// Which file was made, so that a successor's is not removed.
    private struct BoundFile {
        let path: String
        let device: dev_t
        let inode: ino_t
    }

    let descriptor: Int32
    private let file: BoundFile?

    init(_ listener: ControlListener) throws(ControlServerFailure) {
        switch listener {
        case .descriptor(let descriptor):
            try Self.check(descriptor)
            self.descriptor = descriptor
            file = nil
        case .path(let path):
            (descriptor, file) = try Self.bind(path)
        case .tcp(let address):
            descriptor = try Self.bind(address)
            file = nil
        }
    }

    /// A client has connected and is not accepted yet.
    var hasWaitingClient: Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 0) == 1
    }

    /// Removes the file if it is still the one made here.
    func unlinkFile() {
        guard let file, let found = Self.status(file.path),
            found.st_dev == file.device, found.st_ino == file.inode
        else { return }
        unlink(file.path)
    }

    private static func check(_ descriptor: Int32) throws(ControlServerFailure) {
        guard option(descriptor, SO_DOMAIN) == AF_UNIX,
            option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue),
            option(descriptor, SO_ACCEPTCONN) == 1
        else {
            let open = fcntl(descriptor, F_GETFD) >= 0
            throw .unusableDescriptor(descriptor, errno: open ? EINVAL : EBADF)
        }
        let flags = fcntl(descriptor, F_GETFL)
        guard fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
        else { throw .unusableDescriptor(descriptor, errno: errno) }
    }

    private static func option(_ descriptor: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }

    private static func bind(_ path: String) throws(ControlServerFailure) -> (Int32, BoundFile) {
        guard (1...socketPathBytes).contains(path.utf8.count), !path.utf8.contains(0) else {
            throw .unusablePath(path)
        }
        let descriptor = try openSocket(path)
        do throws(ControlServerFailure) {
            try bindReplacingStale(descriptor, path)
            // Before `listen`, so that nobody connects while the mode is still the umask's.
            guard chmod(path, 0o660) == 0 else {
                throw .system(call: "chmod", path: path, errno: errno)
            }
            guard listen(descriptor, SOMAXCONN) == 0 else {
                throw .system(call: "listen", path: path, errno: errno)
            }
            guard let made = status(path) else {
                throw .system(call: "lstat", path: path, errno: errno)
            }
            return (descriptor, BoundFile(path: path, device: made.st_dev, inode: made.st_ino))
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func bind(_ address: TCPAddress) throws(ControlServerFailure) -> Int32 {
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(address.isV6 ? AF_INET6 : AF_INET, Int32(type), 0)
        guard descriptor >= 0 else { throw .unusableAddress(address, errno: errno) }
        // Connections of a process before this one may still be in TIME_WAIT.
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        // [::] alone must not take 0.0.0.0 with it, whatever net.ipv6.bindv6only says.
        if address.isV6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size)
        }
        guard address.withAddress({ Glibc.bind(descriptor, $0, $1) }) == 0,
            listen(descriptor, SOMAXCONN) == 0
        else {
            let code = errno
            close(descriptor)
            throw .unusableAddress(address, errno: code)
        }
        return descriptor
    }

    private static func openSocket(_ path: String) throws(ControlServerFailure) -> Int32 {
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(AF_UNIX, Int32(type), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", path: path, errno: errno) }
        return descriptor
    }

    private static func bindReplacingStale(
        _ descriptor: Int32, _ path: String
    ) throws(ControlServerFailure) {
        if withAddress(path, { Glibc.bind(descriptor, $0, $1) }) == 0 { return }
        guard errno == EADDRINUSE else { throw .system(call: "bind", path: path, errno: errno) }
        try removeStale(path)
        guard withAddress(path, { Glibc.bind(descriptor, $0, $1) }) == 0 else {
            throw .system(call: "bind", path: path, errno: errno)
        }
    }

    /// Dials first: only a socket that nobody answers on is removed.
    private static func removeStale(_ path: String) throws(ControlServerFailure) {
        guard let found = status(path) else {
            throw .system(call: "lstat", path: path, errno: errno)
        }
        // connect(2) refuses a regular file with the same error as a stale socket.
        guard found.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
        let dialler = try openSocket(path)
        defer { close(dialler) }
        let connected = withAddress(path) { connect(dialler, $0, $1) } == 0
        // EAGAIN: somebody listens, with a full backlog.
        guard !connected, errno != EAGAIN else { throw .pathInUse(path) }
        guard errno == ECONNREFUSED else {
            throw .system(call: "connect", path: path, errno: errno)
        }
        guard unlink(path) == 0 else { throw .system(call: "unlink", path: path, errno: errno) }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { room in
            room.copyBytes(from: path.utf8.prefix(room.count - 1))
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
