/// What the store may be told; the defaults are the design's.
package struct StoreOptions: Sendable {
    /// Bytes of the -wal beyond which the writer moves it into the database.
    package var checkpointBytes: Int64 = 64 << 20

    package init() {}
}
