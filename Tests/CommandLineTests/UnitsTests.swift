import Domain
import Testing

@testable import s3remedy

struct UnitsTests {
    @Test(arguments: [
        (0, "0 B"), (1, "1 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
        (1_048_575, "1.0 MiB"), (1_288_490_189, "1.2 GiB"), (107_374_182_400, "100.0 GiB"),
        (Int64.max, "8.0 EiB"), (-5, "-5 B"),
    ])
    func `sizes are powers of 1024 with one decimal`(bytes: Int64, text: String) {
        #expect(size(bytes) == text)
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (12345, "12,345"), (1_234_567, "1,234,567"),
        (-1000, "-1,000"), (Int64.min, "-9,223,372,036,854,775,808"),
    ])
    func `counts are grouped by thousands`(value: Int64, text: String) {
        #expect(grouped(value) == text)
    }

    @Test func `counted names one thing without an s`() {
        #expect(counted(1, "object") == "1 object")
        #expect(counted(0, "object") == "0 objects")
        #expect(counted(UInt64.max, "record") == "18,446,744,073,709,551,615 records")
    }

    @Test(arguments: [
        (0, "just now"), (999, "just now"), (12_000, "12 s ago"), (59_999, "59 s ago"),
        (60_000, "1 min ago"), (3_599_000, "59 min ago"), (10_800_000, "3 h ago"),
        (172_799_000, "47 h ago"), (172_800_000, "2 d ago"), (86_400_000_000, "1,000 d ago"),
        (-59_000, "just now"),
    ])
    func `ages are in the greatest unit that says enough`(passed: Int64, text: String) {
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        #expect(age(of: now.advanced(byMilliseconds: -passed), at: now) == text)
    }

    @Test func `a moment in the future is shown as it is`() {
        let now = Timestamp(milliseconds: 0)
        let later = Timestamp(milliseconds: 61_000)
        #expect(age(of: later, at: now) == "1970-01-01T00:01:01.000Z")
        #expect(momentAndAge(later, at: now) == "1970-01-01T00:01:01.000Z")
    }

    @Test(arguments: [
        (40, "40 s"), (59 * 60, "59 min"), (15_120, "4 h 12 min"), (273_600, "3 d 4 h"),
    ])
    func `uptimes have two units`(seconds: Int, text: String) {
        #expect(uptime(seconds: seconds) == text)
    }

    @Test(arguments: [
        (0.0, "$0.00"), (0.25, "$0.25"), (0.25 + 1e-12, "$0.25"), (0.262345, "$0.27"),
        (1234.5, "$1,234.50"), (Double.infinity, "$?"), (-1, "$?"),
    ])
    func `dollars are rounded up to cents`(amount: Double, text: String) {
        #expect(dollars(amount) == text)
    }
}
