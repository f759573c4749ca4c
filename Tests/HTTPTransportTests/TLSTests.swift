internal import Foundation
internal import HTTPTransport
internal import TestSupport
internal import Testing

/// Real TLS servers, as tls_server.py describes them; they end with this value.
private final class TLSServers: Sendable {
    private struct Ready: Decodable {
        var ports: [String: Int]
        var authority: String
    }

    private let directory = TemporaryDirectory()
    private let ready: Ready
    private let input = Pipe()

    init() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("tls_server.py").path
        process.arguments = [script, directory.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = input
        try process.run()
        var line = Data()
        while line.last != UInt8(ascii: "\n") {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else { break }
            line += piece
        }
        ready = try JSONDecoder().decode(Ready.self, from: line)
    }

    deinit { try? input.fileHandleForWriting.close() }

    var authority: String { ready.authority }

    func url(_ name: String, scheme: String = "https") -> String {
        "\(scheme)://127.0.0.1:\(ready.ports[name] ?? 0)"
    }
}

@Test
func
    `a server is spoken to only with a certificate that an authority vouches for, of its name and in time`()
    async throws
{
    let servers = try TLSServers()
    let trusting = CurlOptions(certificateBundle: servers.authority)
    let good = await Caller(trusting).outcome(servers.url("good") + "/secret")
    #expect(good == "good GET /secret HTTP/1.1")
    let cases: [(name: String, options: CurlOptions, cause: String)] = [
        ("good", CurlOptions(), "certificate"), ("selfSigned", trusting, "certificate"),
        ("selfSigned", CurlOptions(), "certificate"), ("expired", trusting, "expired"),
        ("wrongHost", trusting, "target host name"), ("old", trusting, "SSL"),
    ]
    for (name, options, cause) in cases {
        let failure = await Caller(options).failure(
            HTTPRequest(method: "GET", url: servers.url(name) + "/secret"))
        // Not sent: libcurl counts no byte of the request.
        guard case .notSent(let sentence) = failure else {
            Issue.record("\(name): \(String(describing: failure))")
            continue
        }
        #expect(sentence.hasPrefix("cannot reach 127.0.0.1:"))
        #expect(
            sentence.localizedCaseInsensitiveContains(cause), "\(name): \(sentence)")
    }
    print("certificates refused \(cases.count)")
}

@Test func `the usual variables name the proxy, except for what they except`() async throws {
    let servers = try TLSServers()
    let proxy = servers.url("proxy", scheme: "http")
    func outcome(_ url: String, _ environment: [String: String]) async -> String {
        await Caller(
            CurlOptions(
                certificateBundle: servers.authority,
                proxies: ProxySettings(environment: environment))
        ).outcome(url)
    }
    // A name that only the proxy can know.
    let far = "http://sqs.eu-west-1.s3remedy.invalid/x"
    let through = "proxy GET \(far) HTTP/1.1"
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        #expect(await outcome(far, [name: proxy]) == through, "\(name)")
    }
    #expect(await outcome(far, ["https_proxy": proxy]).contains("cannot reach"))
    #expect(
        await outcome(far, ["HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": proxy]) == through)
    for exception in [
        "s3remedy.invalid", ".s3remedy.invalid", "*", "a,sqs.eu-west-1.s3remedy.invalid",
    ] {
        let direct = await outcome(far, ["http_proxy": proxy, "NO_PROXY": exception])
        #expect(direct.contains("cannot reach"), "\(exception): \(direct)")
    }
    // Through a tunnel the certificate is the server's, and is checked.
    let tunnelled = await outcome(servers.url("good") + "/x", ["HTTPS_PROXY": proxy])
    #expect(tunnelled == "good GET /x HTTP/1.1")
    let refused = await outcome(servers.url("wrongHost") + "/x", ["HTTPS_PROXY": proxy])
    #expect(refused.contains("target host name"), "\(refused)")
    let broken = await outcome(servers.url("good"), ["HTTPS_PROXY": "http://127.0.0.1:1"])
    #expect(broken.contains("cannot reach"), "the proxy is used, not passed by")
    let excepted = ["HTTPS_PROXY": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"]
    #expect(await outcome(servers.url("good") + "/x", excepted) == "good GET /x HTTP/1.1")
}

@Test
func `without settings of its own no exchange uses a proxy, whatever the process's environment`()
    async throws
{
    let servers = try TLSServers()
    let variables = ["http_proxy", "https_proxy", "all_proxy"]
    for name in variables { setenv(name, "http://127.0.0.1:1", 1) }
    defer { for name in variables { unsetenv(name) } }
    let outcome = await Caller(CurlOptions(certificateBundle: servers.authority))
        .outcome(servers.url("good") + "/x")
    #expect(outcome == "good GET /x HTTP/1.1")
}
