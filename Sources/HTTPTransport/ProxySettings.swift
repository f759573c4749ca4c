/// The proxies of an environment, by the usual variables; lower case counts before upper case. Read here and not by
/// libcurl, which takes the process's environment and knows `HTTP_PROXY` in lower case alone.
package struct ProxySettings: Equatable, Sendable {
    /// Of `http:` and `https:` URLs; nil for none.
    package var http: String?
    package var https: String?
    /// Hosts that are called directly: names with all below them, addresses, address ranges, `*` for every host.
    package var exceptions: String

    /// Of link-local services, which no proxy can reach.
    package static let none = ProxySettings(environment: [:])

    package init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            let found = environment[name].flatMap { $0.isEmpty ? nil : $0 }
            return found ?? environment[name.uppercased()].flatMap { $0.isEmpty ? nil : $0 }
        }
        let all = value("all_proxy")
        http = value("http_proxy") ?? all
        https = value("https_proxy") ?? all
        exceptions = value("no_proxy") ?? ""
    }

    func proxy(for url: String) -> String {
        (url.hasPrefix("https:") ? https : http) ?? ""
    }
}
