internal import CCurl

/// One easy handle. What is the same for all requests is set once; of a request, what differs from the one before.
/// libcurl keeps its options from transfer to transfer.
final class CurlHandle {
    private let easy: UnsafeMutableRawPointer
    private let options: CurlOptions
    private let errorText: UnsafeMutablePointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var last = HTTPRequest(method: "", url: "", deadline: .zero)
    private var sendsBody = false

    init(options: CurlOptions) {
        guard let easy = curl_easy_init() else {
            preconditionFailure("libcurl cannot make a handle: out of memory")
        }
        self.easy = easy
        self.options = options
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        setConnection()
        setReceivers()
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    func prepare(_ request: HTTPRequest) {
        if request.url != last.url {
            curl_set_string(easy, CURLOPT_URL, request.url)
            setProxy(for: request.url)
        }
        let sendsBody =
            !request.body.isEmpty || request.method == "PUT" || request.method == "POST"
        if request.method != last.method || sendsBody != self.sendsBody {
            setMethod(request.method, sendsBody: sendsBody)
        }
        if request.deadline != last.deadline {
            curl_set_long(easy, CURLOPT_TIMEOUT_MS, request.deadline.positiveMilliseconds)
        }
        if request.isRepeatable != last.isRepeatable {
            curl_set_long(easy, CURLOPT_FRESH_CONNECT, request.isRepeatable ? 0 : 1)
        }
        setHeaders(request.headers)
        last = request
        last.headers = []
        last.body = []
    }

    /// Points libcurl at body and collector for as long as `run` takes; nothing is copied.
    func exchange(
        _ body: [UInt8], _ collector: ReplyCollector,
        _ run: (UnsafeMutableRawPointer) -> CURLcode?
    ) -> CURLcode? {
        errorText[0] = 0
        let target = Unmanaged.passUnretained(collector).toOpaque()
        curl_set_pointer(easy, CURLOPT_HEADERDATA, target)
        curl_set_pointer(easy, CURLOPT_WRITEDATA, target)
        return withExtendedLifetime(collector) {
            guard sendsBody else { return run(easy) }
            // An empty array may have no address, and libcurl takes a null body for "ask the read callback".
            return (body.isEmpty ? [0] : body).withUnsafeBytes { bytes in
                curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
                curl_set_pointer(
                    easy, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
                return run(easy)
            }
        }
    }

    func info(_ info: CURLINFO) -> Int {
        var value = 0
        curl_get_long(easy, info, &value)
        return value
    }

    func failure(_ code: CURLcode, of request: HTTPRequest, excess: String?) -> HTTPFailure {
        let place = options.unixSocket ?? request.hostAndPort
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

    private func setMethod(_ method: String, sendsBody: Bool) {
        self.sendsBody = sendsBody && method != "HEAD"
        curl_set_long(easy, CURLOPT_NOBODY, method == "HEAD" ? 1 : 0)
        curl_set_string(easy, CURLOPT_CUSTOMREQUEST, method == "HEAD" ? nil : method)
        guard method != "HEAD" else { return }
        curl_set_long(easy, self.sendsBody ? CURLOPT_POST : CURLOPT_HTTPGET, 1)
    }

    private func setProxy(for url: String) {
        guard options.unixSocket == nil else { return }
        curl_set_string(easy, CURLOPT_PROXY, options.proxies.proxy(for: url))
    }

    private func setHeaders(_ headers: [(name: String, value: String)]) {
        let old = headerList
        headerList = nil
        var isContentTypeGiven = false
        for header in headers {
            // libcurl's notation: a colon and nothing removes the header, a semicolon sends it empty.
            append(header.value.isEmpty ? header.name + ";" : header.name + ": " + header.value)
            isContentTypeGiven =
                isContentTypeGiven
                || header.name.utf8.count == 12 && header.name.lowercased() == "content-type"
        }
        // libcurl would wait a second for `100 Continue`, and take every body for a form.
        append("Expect:")
        if !isContentTypeGiven { append("Content-Type:") }
        curl_set_list(easy, CURLOPT_HTTPHEADER, headerList)
        curl_slist_free_all(old)
    }

    private func append(_ line: String) {
        headerList = curl_slist_append(headerList, line) ?? headerList
    }

    private func setReceivers() {
        curl_set_receiver(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, target in
            deliver(bytes, size * count, target) { $0.takeHeader($1) }
        }
        curl_set_receiver(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, target in
            deliver(bytes, size * count, target) { $0.takeBody($1) }
        }
    }

    private func setConnection() {
        curl_allow_only_http(easy)
        curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        curl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        // Ten messages in one read; libcurl's own 16 KiB would take two, with a poll before each.
        curl_set_long(easy, CURLOPT_BUFFERSIZE, 64 * 1024)
        curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
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
        // Empty: none, and not those of the process's environment.
        curl_set_string(easy, CURLOPT_PROXY, "")
        curl_set_string(easy, CURLOPT_NOPROXY, options.proxies.exceptions)
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
            guard isFieldValue(header.value) else {
                return "the value of header \(header.name) holds a control character"
            }
        }
        return nil
    }
}

/// No control character but a tab.
private func isFieldValue(_ text: String) -> Bool {
    let bytes = text.utf8Span.span
    for index in bytes.indices {
        let byte = bytes[index]
        guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { return false }
    }
    return true
}

/// RFC 9110, section 5.6.2.
private func isToken(_ text: String) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
}
