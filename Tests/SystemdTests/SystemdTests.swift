internal import Glibc
import Systemd
internal import Testing

// Each test is a process of its own: the environment and descriptor 3 belong to the whole process.

/// A datagram socket that plays the service manager.
private struct NotifySocket {
    let path: String
    let descriptor: Int32

    init() {
        path = "/tmp/notify.\(getpid())"
        descriptor = boundSocket(path, type: SOCK_DGRAM)
        setenv("NOTIFY_SOCKET", path, 1)
    }

    /// The next datagram; empty when none has come.
    func next() -> String {
        var room = [UInt8](repeating: 0, count: 8192)
        let length = recv(descriptor, &room, room.count, Int32(MSG_DONTWAIT))
        return String(decoding: room.prefix(max(0, length)), as: UTF8.self)
    }

    func remove() {
        close(descriptor)
        unlink(path)
    }
}

private func boundSocket(_ path: String, type: __socket_type) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(type.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    unlink(path)
    let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    precondition(result == 0, "bind \(path): \(String(cString: strerror(errno)))")
    return descriptor
}

/// What systemd would set for this process.
private func setListenEnvironment(pid: pid_t = getpid(), count: Int, names: String) {
    setenv("LISTEN_PID", "\(pid)", 1)
    setenv("LISTEN_FDS", "\(count)", 1)
    setenv("LISTEN_FDNAMES", names, 1)
}

struct SystemdNotifierTests {
    @Test func `each call is one datagram`() async {
        await #expect(processExitsWith: .success) {
            let socket = NotifySocket()
            defer { socket.remove() }
            let notifier = SystemdNotifier()
            #expect(notifier.ready(status: "up") == .sent)
            #expect(socket.next() == "READY=1\nSTATUS=up")
            notifier.status("3 of 4 queues")
            #expect(socket.next() == "STATUS=3 of 4 queues")
            notifier.stopping()
            #expect(socket.next() == "STOPPING=1")
            notifier.errno(ENOSPC, status: "the log is full")
            #expect(socket.next() == "ERRNO=28\nSTATUS=the log is full")
            notifier.extendTimeout(microseconds: 5_000_000)
            #expect(socket.next() == "EXTEND_TIMEOUT_USEC=5000000")
            notifier.watchdog()
            #expect(socket.next() == "WATCHDOG=1")
            #expect(socket.next() == "")
        }
    }

    @Test func `a status cannot smuggle in an assignment`() async {
        await #expect(processExitsWith: .success) {
            let socket = NotifySocket()
            defer { socket.remove() }
            SystemdNotifier().status("a\nSTOPPING=1\r\n\u{0}b\u{7F}é")
            #expect(socket.next() == "STATUS=a STOPPING=1   b é")
            SystemdNotifier().status(String(repeating: "x", count: 100_000))
            #expect(socket.next() == "STATUS=" + String(repeating: "x", count: 1024))
        }
    }

    @Test func `nobody is told when nobody asks`() async {
        await #expect(processExitsWith: .success) {
            unsetenv("NOTIFY_SOCKET")
            #expect(SystemdNotifier().ready(status: "up") == .notAsked)
        }
    }

    @Test func `a dead manager is an errno`() async {
        await #expect(processExitsWith: .success) {
            let socket = NotifySocket()
            socket.remove()
            #expect(SystemdNotifier().stopping() == .failed(ENOENT))
        }
    }

    @Test func `the watchdog's period is read`() async {
        await #expect(processExitsWith: .success) {
            setenv("WATCHDOG_USEC", "30000000", 1)
            unsetenv("WATCHDOG_PID")
            #expect(SystemdNotifier().watchdogMicroseconds == 30_000_000)
            setenv("WATCHDOG_PID", "1", 1)
            #expect(SystemdNotifier().watchdogMicroseconds == nil)
        }
    }
}

struct InheritedSocketsTests {
    @Test func `a listener is found by its name`() async {
        await #expect(processExitsWith: .success) {
            let path = "/tmp/inherited.\(getpid())"
            defer { unlink(path) }
            let listener = boundSocket(path, type: SOCK_STREAM)
            listen(listener, 1)
            dup2(listener, 3)
            setListenEnvironment(count: 1, names: "control")
            let sockets = try InheritedSockets()
            #expect(try sockets.unixStreamListener(named: "control") == 3)
            #expect(try sockets.unixStreamListener(named: "metrics") == nil)
            #expect(fcntl(3, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test func `two of a name are refused`() async {
        await #expect(processExitsWith: .success) {
            for descriptor: Int32 in [3, 4] { dup2(0, descriptor) }
            setListenEnvironment(count: 2, names: "control:control")
            let sockets = try InheritedSockets()
            #expect(throws: InheritedSocketFailure.ambiguous(name: "control", count: 2)) {
                try sockets.unixStreamListener(named: "control")
            }
        }
    }

    @Test func `what does not listen is refused`() async {
        await #expect(processExitsWith: .success) {
            dup2(open("/dev/null", O_RDONLY), 3)
            setListenEnvironment(count: 1, names: "control")
            let sockets = try InheritedSockets()
            #expect(throws: InheritedSocketFailure.notAListener(name: "control", descriptor: 3)) {
                try sockets.unixStreamListener(named: "control")
            }
        }
    }

    @Test func `sockets of another process are not ours`() async {
        await #expect(processExitsWith: .success) {
            setListenEnvironment(pid: 1, count: 1, names: "control")
            let listener = try InheritedSockets().unixStreamListener(named: "control")
            #expect(listener == nil)
        }
    }

    @Test func `a broken environment is named`() async {
        await #expect(processExitsWith: .success) {
            setListenEnvironment(count: 1, names: "control")
            setenv("LISTEN_FDS", "many", 1)
            #expect(throws: InheritedSocketFailure.unreadable(errno: EINVAL)) {
                try InheritedSockets()
            }
        }
    }
}
