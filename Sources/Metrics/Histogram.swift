internal import Synchronization

/// Counts durations by size; observed and read from any thread, without a lock.
package final class Histogram: Sendable {
    /// Upper bounds: 2^n times 128 microseconds, 16 of them, up to 4 seconds.
    private static let smallestBound: UInt64 = 128_000
    private static let bounds = 16

    private let counts: [Counter]
    private let nanoseconds = Atomic<UInt64>(0)

    private final class Counter: Sendable {
        let value = Atomic<UInt64>(0)
    }

    package init() {
        counts = (0...Self.bounds).map { _ in Counter() }
    }

    package func observe(nanoseconds duration: UInt64) {
        var index = 0
        while index < Self.bounds, duration > Self.smallestBound << UInt64(index) { index += 1 }
        counts[index].value.wrappingAdd(1, ordering: .relaxed)
        nanoseconds.wrappingAdd(duration, ordering: .relaxed)
    }

    package var snapshot: HistogramSnapshot {
        var total: UInt64 = 0
        var cumulative: [(bound: Double, count: UInt64)] = []
        for (index, counter) in counts.enumerated() {
            total += counter.value.load(ordering: .relaxed)
            let bound =
                index == Self.bounds
                ? Double.infinity : Double(Self.smallestBound << UInt64(index)) / 1e9
            cumulative.append((bound, total))
        }
        return HistogramSnapshot(
            cumulative: cumulative, sum: Double(nanoseconds.load(ordering: .relaxed)) / 1e9)
    }
}

package struct HistogramSnapshot: Sendable {
    /// How many durations were at most `bound` seconds; the last bound is infinite.
    package let cumulative: [(bound: Double, count: UInt64)]
    /// Seconds.
    package let sum: Double

    package var count: UInt64 { cumulative.last?.count ?? 0 }

    /// The smallest bound below which `share` of all durations lie; nil when there are none.
    package func quantile(_ share: Double) -> Double? {
        guard count > 0 else { return nil }
        return cumulative.first { Double($0.count) >= share * Double(count) }?.bound
    }
}
