internal import Glibc

/// An IP address with a port, as numbers: no name is looked up.
package struct TCPAddress: Sendable, Hashable, CustomStringConvertible {
    /// As inet_ntop(3) writes it, without brackets.
    package let host: String
    /// Not 0.
    package let port: UInt16
    let isV6: Bool

    /// `127.0.0.1:9477` or `[::1]:9477`; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
            let port = UInt16(text[text.utf8.index(after: colon)...]), port > 0
        else { return nil }
        let host = text[..<colon]
        self.port = port
        isV6 = host.hasPrefix("[") && host.hasSuffix("]")
        let bare = isV6 ? String(host.dropFirst().dropLast()) : String(host)
        guard let canonical = canonicalAddress(bare, isV6 ? AF_INET6 : AF_INET) else { return nil }
        self.host = canonical
    }

    package var description: String { isV6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Nobody reaches it from another host (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
    package var isLoopback: Bool { isV6 ? host == "::1" : host.hasPrefix("127.") }

    /// Hands over the socket address, in network byte order.
    func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        if isV6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return lend(&address, body)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return lend(&address, body)
    }
}

private func lend<Address>(
    _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<Address>.size))
        }
    }
}

/// Nil when the text is no address of that family.
private func canonicalAddress(_ text: String, _ family: Int32) -> String? {
    var address = in6_addr()
    var name = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_pton(family, text, &address) == 1,
        inet_ntop(family, &address, &name, socklen_t(name.count)) != nil
    else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
