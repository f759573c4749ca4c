import Domain

/// The order in which keys come.
enum KeyOrder: String, Codable, CaseIterable {
    /// Each key is greater than the one before.
    case time
    /// Each falls anywhere among those that are there.
    case random
    /// As `random`, but sorted: fills a store quickly with keys for `random` to fall among.
    case spread
}

/// Failure events like those of sqs_messages.lua: the same causes, keys and sizes, a millisecond apart.
struct BenchEvents {
    private static let causes = [
        ("dr-eu-central-1", "orders-archive-dr-eu-central-1", "DstPutObjectNotPermitted"),
        ("dr-eu-central-1", "orders-archive-dr-eu-central-1", "DstKmsKeyNotFound"),
        ("analytics-us-east-1", "orders-analytics-us-east-1", "DstBucketNotFound"),
        ("compliance-copy", "orders-compliance-eu-west-1", "AssumeRoleNotPermitted"),
    ]

    let order: KeyOrder
    /// How many events there will be: what `spread` is spread over.
    let total: Int
    /// The first event's time, milliseconds since 1970.
    let since: Int64
    /// Tells the events of two phases on one store apart.
    let phase: Int

    func event(_ number: Int) -> ReplicationEvent {
        let (rule, destination, reason) = Self.causes[number % Self.causes.count]
        let noise = Self.mixed(UInt64(number) &+ UInt64(phase) << 40)
        let hex = Self.hexadecimal(noise)
        let part = "part-\(Self.padded(number, 9))-\(hex.prefix(8))-\(hex.suffix(4))-\(hex)"
        let name = "orders/dt=2026-11-24/\(part).snappy.parquet"
        let key =
            switch order {
            case .time: "orders/phase=\(phase)/\(name)"
            case .random: "\(hex)/\(name)"
            case .spread: Self.hexadecimal(.max / UInt64(total) * UInt64(number)) + "/" + name
            }
        return ReplicationEvent(
            name: .operationFailed, region: "eu-west-1",
            eventTime: Timestamp(milliseconds: since + Int64(number)),
            requestID: "\(hex)-\(Self.padded(number, 12))-0000000",
            sourceBucket: "orders-archive-eu-west-1", ruleID: rule, destinationBucket: destination,
            key: ObjectKey(key),
            versionID: hex + hex, size: Int64(1_000_000 + noise & 0x3F_FFFF), eTag: hex + hex,
            sequencer: "00" + hex, operation: "OBJECT_PUT", reason: reason)
    }

    /// SplitMix64's finaliser (Steele, Lea and Flood 2014): one number to another, without a pattern.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
