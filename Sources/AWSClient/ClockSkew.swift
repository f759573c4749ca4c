internal import AWSProtocol
internal import Domain

/// How far AWS's clock is ahead of this host's, learned from every reply: a host with a wrong clock can still sign.
struct ClockSkew {
    /// A signature error counts as the clock's fault when the correction changed by more than this.
    static let suspiciousMilliseconds: Int64 = 4 * 60 * 1000
    private static let longestExchange: Int64 = 15 * 60 * 1000

    private(set) var milliseconds: Int64 = 0

    /// The reply's `Date` is taken for the middle of the exchange; a cached reply (`Age`) has an old one.
    mutating func learn(from reply: AWSReply, sentAt sent: Int64, elapsedMilliseconds: Int64) {
        guard reply.header("age") == nil, elapsedMilliseconds <= Self.longestExchange,
            let date = reply.date
        else { return }
        milliseconds = date.milliseconds - (sent + elapsedMilliseconds / 2)
    }
}
