internal import Domain

/// One request of an AWS service before it is signed.
package struct AWSRequest: Sendable {
    package var service: AWSService
    /// AWS's name of the operation, for sentences: `HeadObject`.
    package var operation: String
    package var method: String
    package var scheme: String
    package var host: String
    /// Percent-encoded once, as it goes over the wire; begins with `/`.
    package var path: String
    /// Not encoded.
    package var query: [(name: String, value: String)]
    /// Without `Host` and what the signature adds.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// False for the few operations that anyone may call.
    package var isSigned = true

    /// - Parameter path: behind the endpoint's own, beginning with `/`.
    package init(
        _ service: AWSService, _ operation: String, _ method: String, at endpoint: AWSEndpoint,
        path: String = "/", query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.service = service
        self.operation = operation
        self.method = method
        scheme = endpoint.scheme
        host = endpoint.host
        self.path = endpoint.basePath + path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// Encoded and in the order of the signature: what is sent is what was signed.
    package var canonicalQuery: String {
        query.map { pair in
            (
                percentEncoded(Array(pair.name.utf8), keeping: .nothing),
                percentEncoded(Array(pair.value.utf8), keeping: .nothing)
            )
        }
        .sorted { $0 < $1 }
        .map { $0.0 + "=" + $0.1 }
        .joined(separator: "&")
    }

    package var url: String {
        scheme + "://" + host + path + (query.isEmpty ? "" : "?" + canonicalQuery)
    }
}
