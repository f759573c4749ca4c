package import AWSProtocol
internal import Domain

/// How far AWS's clock is ahead of this host's, learned from every reply: a host with a wrong clock can still sign.
/// Source: the clock skew correction that AWS's SDKs share since 2026, in the tests of its JavaScript and Rust SDKs.
package struct ClockSkew: Sendable {
    /// A signature error counts as the clock's fault when the correction changed by more than this: what was signed with
    /// the right time already is wrong for another reason.
    package static let suspiciousMilliseconds: Int64 = 4 * 60 * 1000
    private static let longestExchange: Int64 = 15 * 60 * 1000

    package private(set) var milliseconds: Int64 = 0

    package init() {}

    /// The reply's `Date` is taken for the middle of the exchange; a cached reply (`Age`) has an old one.
    package mutating func learn(
        from reply: AWSReply, sentAt sent: Int64, elapsedMilliseconds: Int64
    ) {
        guard reply.header("age") == nil, elapsedMilliseconds <= Self.longestExchange,
            let date = reply.date
        else { return }
        milliseconds = date.milliseconds - (sent + elapsedMilliseconds / 2)
    }
}
