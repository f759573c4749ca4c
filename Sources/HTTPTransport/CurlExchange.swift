internal import CCurl
internal import Synchronization

/// The HTTP port over libcurl: one easy handle in a multi handle of its own.
///
/// `perform` blocks the thread of the caller's executor until the reply is whole; connections are kept alive and used
/// again by later requests. libcurl itself sends a request a second time when a kept connection turns out to be closed
/// before any byte of a reply came; nothing else is repeated here, and no redirect is followed.
// @unchecked: handle and multi are used by one request at a time, which the port demands; `cancel` touches only the
// atomic flag and curl_multi_wakeup, which libcurl allows from any thread.
package final class CurlExchange: HTTPExchanging, @unchecked Sendable {
    private let handle: CurlHandle
    private let multi: UnsafeMutableRawPointer
    private let isCancelled = Atomic<Bool>(false)
    private let isBusy = Atomic<Bool>(false)

    private static let libraryStarted: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    package init(options: CurlOptions = CurlOptions()) {
        precondition(Self.libraryStarted, "libcurl cannot start: curl_global_init failed")
        guard let multi = curl_multi_init() else {
            preconditionFailure("libcurl cannot make a handle: out of memory")
        }
        self.multi = multi
        handle = CurlHandle(options: options)
    }

    deinit {
        // The connections that an easy handle used are its multi handle's.
        curl_multi_cleanup(multi)
    }

    package func cancel() {
        isCancelled.store(true, ordering: .sequentiallyConsistent)
        curl_multi_wakeup(multi)
    }

    package nonisolated(nonsending) func perform(_ request: HTTPRequest) async throws(HTTPFailure)
        -> HTTPReply
    {
        try exchange(request, ReplyCollector(maximumReplyBytes: request.maximumReplyBytes))
    }

    /// As `perform`, but hands the body of a 2xx reply to `takePiece` as it arrives, whatever its length, on the
    /// caller's thread; the reply's own body is then empty. `false` from it ends the exchange successfully.
    /// The request's limit holds for the bodies of other replies.
    package nonisolated(nonsending) func stream(
        _ request: HTTPRequest, takePiece: @escaping ([UInt8]) -> Bool
    ) async throws(HTTPFailure) -> HTTPReply {
        let limit = request.maximumReplyBytes
        return try exchange(
            request, ReplyCollector(maximumReplyBytes: limit, takePiece: takePiece))
    }

    private func exchange(
        _ request: HTTPRequest, _ collector: ReplyCollector
    ) throws(HTTPFailure) -> HTTPReply {
        guard !isCancelled.load(ordering: .sequentiallyConsistent) else { throw .cancelled }
        if let flaw = request.flaw { throw .notSent(flaw) }
        let isFree = !isBusy.exchange(true, ordering: .acquiring)
        precondition(isFree, "one CurlExchange performs one request at a time")
        defer { isBusy.store(false, ordering: .releasing) }
        handle.prepare(request)
        guard let code = handle.exchange(request.body, collector, run) else { throw .cancelled }
        guard code == CURLE_OK && collector.isHeadComplete || collector.isEnough else {
            throw handle.failure(code, of: request, excess: collector.excess)
        }
        return HTTPReply(
            status: handle.info(CURLINFO_RESPONSE_CODE), headers: collector.headers,
            body: collector.body)
    }

    /// Runs the transfer to its end; nil when it was cancelled.
    private func run(_ easy: UnsafeMutableRawPointer) -> CURLcode? {
        guard curl_multi_add_handle(multi, easy) == CURLM_OK else { return CURLE_FAILED_INIT }
        // Removing an unfinished transfer closes its connection: nothing of it can reach a later reply.
        defer { curl_multi_remove_handle(multi, easy) }
        var running: Int32 = 1
        while true {
            guard !isCancelled.load(ordering: .sequentiallyConsistent) else { return nil }
            guard curl_multi_perform(multi, &running) == CURLM_OK else { return CURLE_RECV_ERROR }
            if running == 0 { break }
            // libcurl shortens the wait to its own timers; a wakeup before the call is not lost.
            guard curl_multi_poll(multi, nil, 0, 60_000, nil) == CURLM_OK else {
                return CURLE_RECV_ERROR
            }
        }
        var remaining: Int32 = 0
        guard let message = curl_multi_info_read(multi, &remaining) else { return CURLE_RECV_ERROR }
        return curl_message_result(message)
    }
}
