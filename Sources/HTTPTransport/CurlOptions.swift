/// What stays the same over all requests of one `CurlExchange`.
package struct CurlOptions: Sendable {
    /// PEM file that replaces the system's certificate authorities (`AWS_CA_BUNDLE`).
    package var certificateBundle: String?
    /// Every connection goes to this Unix stream socket, whatever the URL's host; proxies are off.
    package var unixSocket: String?
    package var proxies: ProxySettings
    package var userAgent: String
    /// Name resolution, connecting and TLS together.
    package var connectTimeout: Duration
    /// Sent data that stays unacknowledged this long ends the connection (`TCP_USER_TIMEOUT`); keepalive probes
    /// begin after half of it, so that a peer that vanished is noticed during a silent long poll too.
    package var unacknowledgedTimeout: Duration

    package init(
        certificateBundle: String? = nil, unixSocket: String? = nil,
        proxies: ProxySettings = .none, userAgent: String = "s3remedy",
        connectTimeout: Duration = .seconds(5), unacknowledgedTimeout: Duration = .seconds(20)
    ) {
        self.certificateBundle = certificateBundle
        self.unixSocket = unixSocket
        self.proxies = proxies
        self.userAgent = userAgent
        self.connectTimeout = connectTimeout
        self.unacknowledgedTimeout = unacknowledgedTimeout
    }
}

extension Duration {
    /// Whole milliseconds, at least 1 (libcurl reads 0 as "no limit") and at most what a C `int` holds.
    var positiveMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
