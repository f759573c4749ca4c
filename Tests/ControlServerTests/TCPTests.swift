import ControlServer
internal import Glibc
internal import Testing

/// Calls `body` with the loopback's socket address.
func withLoopback(
    _ port: UInt16, _ isV6: Bool, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    func lend<Address>(_ address: inout Address) -> Int32 {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
    if isV6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        return lend(&address)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return lend(&address)
}

/// A port that nobody listens on, as the kernel chose it.
private func freePort(isV6: Bool) -> UInt16 {
    let descriptor = socket(isV6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    #expect(withLoopback(0, isV6) { bind(descriptor, $0, $1) } == 0)
    var address = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let result = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
    }
    #expect(result == 0)
    // sin_port and sin6_port are at the same place.
    return UInt16(bigEndian: address.sin6_port)
}

private let who = ControlRoute("GET", "/who") { text("\($0.peer.uid) \($0.peer.groups.count)") }

struct TCPTests {
    @Test(arguments: [
        ("127.0.0.1:9477", "127.0.0.1:9477"), ("0.0.0.0:1", "0.0.0.0:1"),
        ("[::1]:65535", "[::1]:65535"), ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
        ("[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]:80"),
    ])
    func `addresses are read and written`(text: String, written: String) {
        #expect(TCPAddress(text)?.description == written)
    }

    @Test(arguments: [
        "", ":", ":9477", "9477", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1: 9", "localhost:9477", "::1:9477", "[127.0.0.1]:9477",
        "[::1]9477", "[::1%lo]:9477", "1.2.3:4", "1.2.3.4.5:6", "127.0.0.1:9477\n", "[]:1",
    ])
    func `what is no address with a port is refused`(text: String) {
        #expect(TCPAddress(text) == nil)
    }

    @Test func `only the loopback is one`() throws {
        let yes = try ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1"].map { try #require(TCPAddress($0)) }
        let no = try ["0.0.0.0:1", "128.0.0.1:1", "[::]:1"].map { try #require(TCPAddress($0)) }
        #expect(yes.allSatisfy(\.isLoopback) && !no.contains(where: \.isLoopback))
    }

    @Test(arguments: [false, true])
    func `clients over TCP are served as nobody`(isV6: Bool) async throws {
        let port = freePort(isV6: isV6)
        let address = try #require(TCPAddress(isV6 ? "[::1]:\(port)" : "127.0.0.1:\(port)"))
        let harness = makeServer([who], in: "/tmp")
        try await harness.server.start(.tcp(address))
        let client = try RawClient(port: port, isV6: isV6)
        let reply = try await onThread {
            client.get("/who")
            return try client.reply()
        }
        #expect(reply?.status == 200 && reply?.body == "65534 0")
        let second = makeServer([who], in: "/tmp")
        do throws(ControlServerFailure) {
            try await second.server.start(.tcp(address))
            Issue.record("two servers at one address")
        } catch {
            #expect(error == .unusableAddress(address, errno: EADDRINUSE))
            #expect("\(error)".contains("\(address)") && "\(error)".contains("another port"))
        }
        await harness.server.stop()
        // At once, though the connection above was closed by this side.
        try await second.server.start(.tcp(address))
        await second.server.stop()
        #expect(throws: ClientFailure.self) { try RawClient(port: port, isV6: isV6) }
    }

    @Test func `an address of another host is refused`() async throws {
        // TEST-NET-1, RFC 5737: nobody has it.
        let address = try #require(TCPAddress("192.0.2.1:9477"))
        do throws(ControlServerFailure) {
            try await makeServer([who], in: "/tmp").server.start(.tcp(address))
            Issue.record("listens on 192.0.2.1")
        } catch {
            #expect(error == .unusableAddress(address, errno: EADDRNOTAVAIL))
            #expect("\(error)".contains("an address of this host"))
        }
    }
}
