import Metrics
import Testing

struct MetricsTests {
    @Test func `a family is its help, its type and its samples`() {
        var family = MetricFamily("s3remedy_failures", .gauge, "Failures by state.")
        family.add(3, ["bucket": "b", "state": "open"])
        family.add(nil, ["bucket": "unknown"])
        family.add(0.5)
        #expect(
            prometheusText([family, MetricFamily("empty", .gauge, "Left out.")]) == """
                # HELP s3remedy_failures Failures by state.
                # TYPE s3remedy_failures gauge
                s3remedy_failures{bucket="b",state="open"} 3
                s3remedy_failures 0.5

                """)
    }

    @Test func `what a rule is called cannot end its label`() {
        var family = MetricFamily("m", .gauge, "A \\ and\na line.")
        family.add(1, ["rule": "a\"\\\n\"\u{301}"])
        #expect(
            prometheusText([family]) == """
                # HELP m A \\\\ and\\na line.
                # TYPE m gauge
                m{rule="a\\"\\\\\\n\\"\u{301}"} 1

                """)
    }

    @Test func `a histogram counts each duration in its bucket and all greater ones`() {
        let histogram = Histogram()
        for duration: UInt64 in [0, 128_000, 128_001, 256_000, 5_000_000_000_000] {
            histogram.observe(nanoseconds: duration)
        }
        let snapshot = histogram.snapshot
        #expect(snapshot.cumulative.prefix(2).map(\.count) == [2, 4])
        #expect(snapshot.cumulative.map(\.count).suffix(2) == [4, 5])
        #expect(snapshot.cumulative[0].bound == 0.000128 && snapshot.count == 5)
        #expect(snapshot.quantile(0.5) == 0.000256 && snapshot.quantile(1) == .infinity)
        #expect(Histogram().snapshot.quantile(0.99) == nil)
        let text = prometheusText([MetricFamily("d_seconds", "Durations.", snapshot)])
        #expect(text.contains("d_seconds_bucket{le=\"0.000128\"} 2\n"))
        #expect(text.contains("d_seconds_bucket{le=\"+Inf\"} 5\nd_seconds_sum 5000.000512001\n"))
        #expect(text.hasSuffix("d_seconds_count 5\n"))
    }
}
