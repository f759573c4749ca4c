internal import CCurl

/// One request on an easy handle: sets every option anew (a reset keeps connections and the DNS cache) and names
/// what went wrong.
final class CurlTransfer {
    private let easy: UnsafeMutableRawPointer
    private let place: String
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>

    init(easy: UnsafeMutableRawPointer, request: HTTPRequest, options: CurlOptions) {
        self.easy = easy
        place = options.unixSocket ?? request.hostAndPort
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        curl_easy_reset(easy)
        curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        curl_set_string(easy, CURLOPT_URL, request.url)
        setMethod(request)
        setHeaders(request)
        setConnection(options, deadline: request.deadline)
    }

    deinit {
        // The handle outlives this object and must not write into freed memory.
        curl_easy_reset(easy)
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    /// `collector` must live until the transfer is over.
    func receive(into collector: ReplyCollector) {
        let target = Unmanaged.passUnretained(collector).toOpaque()
        curl_set_receiver(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, target in
            deliver(bytes, size * count, target) { $0.takeHeader($1) }
        }
        curl_set_pointer(easy, CURLOPT_HEADERDATA, target)
        curl_set_receiver(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, target in
            deliver(bytes, size * count, target) { $0.takeBody($1) }
        }
        curl_set_pointer(easy, CURLOPT_WRITEDATA, target)
    }

    /// `bytes` must stay valid until the transfer is over: libcurl does not copy them.
    func sendBody(_ bytes: UnsafeRawPointer?, count: Int) {
        guard sendsBody else { return }
        curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(count))
        curl_set_pointer(easy, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes))
    }

    func info(_ info: CURLINFO) -> Int {
        var value = 0
        curl_get_long(easy, info, &value)
        return value
    }

    func failure(_ code: CURLcode, excess: String?) -> HTTPFailure {
        if let excess { return .replyTooLarge("\(place) sent \(excess)") }
        let detail = String(cString: errorText)
        let cause =
            !detail.isEmpty
            ? detail
            : code == CURLE_OK
                ? "the connection closed inside the headers"
                : String(cString: curl_easy_strerror(code))
        // Counts what left this host, over a libcurl retry too: 0 proves that nothing was sent.
        guard info(CURLINFO_REQUEST_SIZE) > 0 else {
            return .notSent("cannot reach \(place): \(cause)")
        }
        if code == CURLE_OPERATION_TIMEDOUT {
            return .deadlineExceeded("\(place) did not answer in time: \(cause)")
        }
        return .noReply("no complete reply from \(place): \(cause)")
    }

    private var sendsBody = false

    private func setMethod(_ request: HTTPRequest) {
        sendsBody = !request.body.isEmpty || request.method == "PUT" || request.method == "POST"
        if request.method == "HEAD" {
            sendsBody = false
            curl_set_long(easy, CURLOPT_NOBODY, 1)
            return
        }
        curl_set_long(easy, sendsBody ? CURLOPT_POST : CURLOPT_HTTPGET, 1)
        curl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
    }

    private func setHeaders(_ request: HTTPRequest) {
        for header in request.headers {
            // libcurl's notation: a colon and nothing removes the header, a semicolon sends it empty.
            append(header.value.isEmpty ? header.name + ";" : header.name + ": " + header.value)
        }
        let names = Set(request.headers.map { $0.name.lowercased() })
        // libcurl would wait a second for `100 Continue`, and take every body for a form.
        for name in ["Expect", "Content-Type"] where !names.contains(name.lowercased()) {
            append(name + ":")
        }
        curl_set_list(easy, CURLOPT_HTTPHEADER, headerList)
    }

    private func append(_ line: String) {
        headerList = curl_slist_append(headerList, line) ?? headerList
    }

    private func setConnection(_ options: CurlOptions, deadline: Duration) {
        curl_allow_only_http(easy)
        curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        curl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        curl_set_long(easy, CURLOPT_TIMEOUT_MS, deadline.positiveMilliseconds)
        curl_set_long(
            easy, CURLOPT_CONNECTTIMEOUT_MS, options.connectTimeout.positiveMilliseconds)
        curl_set_string(easy, CURLOPT_USERAGENT, options.userAgent)
        curl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        curl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
        curl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
        if let bundle = options.certificateBundle {
            curl_set_string(easy, CURLOPT_CAINFO, bundle)
        }
        if let path = options.unixSocket {
            curl_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, path)
        }
        if options.unixSocket != nil || !options.usesProxyFromEnvironment {
            curl_set_string(easy, CURLOPT_PROXY, "")
        }
        setKeepalive(options.unacknowledgedTimeout.positiveMilliseconds)
    }

    private func setKeepalive(_ milliseconds: Int) {
        curl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        curl_set_long(easy, CURLOPT_TCP_KEEPIDLE, max(1, milliseconds / 2000))
        curl_set_long(easy, CURLOPT_TCP_KEEPINTVL, max(1, milliseconds / 4000))
        // The pointer is only a number on its way through libcurl.
        curl_set_pointer(
            easy, CURLOPT_SOCKOPTDATA, UnsafeMutableRawPointer(bitPattern: milliseconds))
        curl_set_socket_hook(easy) { milliseconds, socket, _ in
            curl_socket_user_timeout(socket, UInt32(UInt(bitPattern: milliseconds)))
            return Int32(CURL_SOCKOPT_OK)
        }
    }
}

/// Hands libcurl's bytes to the collector; any other count than the given one makes libcurl stop.
private func deliver(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ target: UnsafeMutableRawPointer?,
    _ take: (ReplyCollector, UnsafeRawBufferPointer) -> Bool
) -> Int {
    guard let target, let bytes else { return count }
    let collector = Unmanaged<ReplyCollector>.fromOpaque(target).takeUnretainedValue()
    // Not `count - 1` or 0: an empty piece that is refused must differ from its own length too.
    return take(collector, UnsafeRawBufferPointer(start: bytes, count: count)) ? count : count + 1
}

extension HTTPRequest {
    /// `host:port` as the URL has it, without user information: for sentences.
    var hostAndPort: String {
        guard let scheme = url.utf8.firstRange(of: Array("://".utf8)) else { return url }
        let authority = url.utf8[scheme.upperBound...].prefix { !"/?#".utf8.contains($0) }
        let host = authority.split(separator: UInt8(ascii: "@")).last ?? authority
        return String(decoding: host, as: UTF8.self)
    }

    /// Why this request must not be written to a connection: a line break in it would be a second header or request.
    var flaw: String? {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            return "the URL for \(hostAndPort) holds a blank or control character; encode it"
        }
        guard isToken(method) else { return "\(method) is no HTTP method" }
        for header in headers {
            guard isToken(header.name) else { return "\(header.name) is no HTTP header name" }
            guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                return "the value of header \(header.name) holds a control character"
            }
        }
        return nil
    }
}

/// RFC 9110, section 5.6.2.
private func isToken(_ text: String) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
}
