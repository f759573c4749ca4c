package import AWSProtocol

/// What retries may cost: the token bucket of the AWS SDKs' standard mode, with the figures of 2026. While a service
/// is down the bucket empties, and each call is sent once instead of three times.
/// Source: AWS SDKs and Tools Reference Guide, "Retry behavior".
package struct RetryQuota: Sendable {
    package static let maximumAttempts = 3
    private static let capacity = 500
    private static let longestBackoff = 20.0
    private static let longestHintBeyondBackoff = 5.0

    package private(set) var tokens = Self.capacity

    package init() {}

    /// Takes the cost of one retry; nil when the bucket cannot pay it.
    package mutating func pay(for kind: AWSErrorKind) -> Int? {
        let cost = kind == .throttling ? 5 : 14
        guard tokens >= cost else { return nil }
        tokens -= cost
        return cost
    }

    /// A success gives back what its last retry cost, or one token when there was none.
    package mutating func refund(_ cost: Int?) {
        tokens = min(Self.capacity, tokens + (cost ?? 1))
    }

    /// Seconds to wait before retry number `retry` (from 0).
    /// - Parameters:
    ///   - jitter: 0 to 1.
    ///   - hint: `x-amz-retry-after` in milliseconds.
    package static func backoff(
        _ kind: AWSErrorKind, retry: Int, jitter: Double, hint: Int?
    ) -> Double {
        let base = kind == .throttling ? 1.0 : 0.05
        let backoff = jitter * min(longestBackoff, base * Double(1 << min(retry, 30)))
        guard let hint else { return backoff }
        return min(max(Double(hint) / 1000, backoff), backoff + longestHintBeyondBackoff)
    }
}
