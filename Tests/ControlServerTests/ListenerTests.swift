import ControlServer
internal import Glibc
internal import Testing

private let hello = ControlRoute("GET", "/hello") { _ in text("hello") }

/// A bound socket; with a backlog it listens, and lives until it is closed.
private func bound(_ path: String, backlog: Int32? = nil) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    #expect(withUnixAddress(path) { bind(descriptor, $0, $1) } == 0)
    if let backlog { #expect(listen(descriptor, backlog) == 0) }
    return descriptor
}

private func start(_ harness: ServerHarness, _ listener: ControlListener) async
    -> ControlServerFailure?
{
    do throws(ControlServerFailure) {
        try await harness.server.start(listener)
        return nil
    } catch {
        return error
    }
}

struct ListenerTests {
    @Test func `the socket has mode 0660 and goes with the server`() async throws {
        try await withServer([hello]) { server in
            var status = stat()
            #expect(lstat(server.path, &status) == 0)
            #expect(status.st_mode == S_IFSOCK | 0o660)
            await server.server.stop()
            #expect(lstat(server.path, &status) == -1)
        }
    }

    @Test func `a stale socket is replaced`() async throws {
        try await withDirectory { directory in
            let harness = makeServer([hello], in: directory)
            close(bound(harness.path, backlog: 1))
            #expect(await start(harness, .path(harness.path)) == nil)
            let reply = try await harness.ask("/hello")
            #expect(reply?.body == "hello")
            await harness.server.stop()
        }
    }

    @Test func `a live socket is refused and left alone`() async throws {
        try await withDirectory { directory in
            let harness = makeServer([hello], in: directory)
            let other = bound(harness.path, backlog: 1)
            defer { close(other) }
            let failure = await start(harness, .path(harness.path))
            #expect(failure == .pathInUse(harness.path))
            #expect(failure?.description.contains(harness.path) == true)
            _ = try harness.client()
        }
    }

    @Test func `a file that is no socket is refused and left alone`() async throws {
        try await withDirectory { directory in
            let harness = makeServer([hello], in: directory)
            close(open(harness.path, O_CREAT | O_WRONLY, 0o600))
            #expect(await start(harness, .path(harness.path)) == .notASocket(harness.path))
            #expect(access(harness.path, F_OK) == 0)
        }
    }

    @Test func `a successor's socket is not removed`() async throws {
        try await withServer([hello]) { server in
            unlink(server.path)
            let successor = bound(server.path, backlog: 1)
            defer { close(successor) }
            await server.server.stop()
            #expect(access(server.path, F_OK) == 0)
        }
    }

    @Test(arguments: ["", String(repeating: "p", count: 108), "a\u{0}b"])
    func `paths that no socket can have are refused`(path: String) async throws {
        let harness = makeServer([hello], in: "/tmp")
        #expect(await start(harness, .path(path)) == .unusablePath(path))
    }

    @Test func `a path in a missing directory is refused`() async throws {
        let harness = makeServer([hello], in: "/tmp")
        let path = "/tmp/control.no-such-directory/s"
        #expect(
            await start(harness, .path(path)) == .system(call: "bind", path: path, errno: ENOENT))
    }

    @Test func `a descriptor that was handed over is served, its file stays`() async throws {
        try await withDirectory { directory in
            let harness = makeServer([hello], in: directory)
            let descriptor = bound(harness.path, backlog: 5)
            #expect(await start(harness, .descriptor(descriptor)) == nil)
            #expect(await start(harness, .descriptor(descriptor)) == .alreadyStarted)
            let reply = try await harness.ask("/hello")
            #expect(reply?.body == "hello")
            await harness.server.stop()
            #expect(access(harness.path, F_OK) == 0)
        }
    }

    @Test func `a descriptor that does not listen is refused`() async throws {
        try await withDirectory { directory in
            let harness = makeServer([hello], in: directory)
            let descriptor = bound(harness.path)
            defer { close(descriptor) }
            #expect(
                await start(harness, .descriptor(descriptor))
                    == .unusableDescriptor(descriptor, errno: EINVAL))
            #expect(
                await start(harness, .descriptor(99_999))
                    == .unusableDescriptor(99_999, errno: EBADF))
        }
    }
}
