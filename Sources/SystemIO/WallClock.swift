/// The clock port: wall time for what is stored and signed, monotonic time for deadlines.
package protocol ClockReading: Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    func wallMilliseconds() -> Int64
    /// Nanoseconds since an arbitrary start; never goes backwards.
    func monotonicNanoseconds() -> UInt64
    /// Returns after `duration`, or earlier by throwing `CancellationError` when the task is cancelled.
    nonisolated(nonsending) func sleep(for duration: Duration) async throws
}
