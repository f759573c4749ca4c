/// What the store may be told; the defaults are the design's.
package struct StoreOptions: Sendable {
    private static let day: Int64 = 86_400_000

    /// Bytes of the -wal beyond which the writer moves it into the database.
    package var checkpointBytes: Int64 = 64 << 20
    /// Bytes of pages that the writer keeps in memory. With SQLite's 2 MiB a batch of 10,000 random keys does not fit, and
    /// pages are written to the -wal several times in one transaction.
    package var writerCacheBytes = 4 << 20
    /// Milliseconds that a failure is kept after it closed; never under 30 days: closed failures answer late
    /// duplicates. Events that are older, of failures that are not stored, are too old.
    package var closedRetention: Int64 = 90 * day {
        didSet { closedRetention = max(closedRetention, 30 * Self.day) }
    }
    /// Milliseconds that a message is kept in quarantine.
    package var quarantineRetention: Int64 = 30 * day
    /// Bytes of bodies in quarantine beyond which the oldest go.
    package var quarantineMaxBytes: Int64 = 1 << 30

    /// Rows that a page looks at, and for how long, before it ends short: a snapshot held open stops checkpoints.
    package var pageRows = 50_000
    package var pageDuration = Duration.seconds(1)

    package init() {}
}
