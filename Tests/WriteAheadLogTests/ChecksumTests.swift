import Testing

@testable import WriteAheadLog

struct ChecksumTests {
    @Test func `the instruction, the tables and the definition agree`() {
        #expect(CRC32C.checksum(of: Array("123456789".utf8).span.bytes) == 0xE306_9283)
        #expect(ReferenceFormat.crc(Array("123456789".utf8)) == 0xE306_9283)
        var cases = 0
        for length in 0...130 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
            for seed in [0, 1, 0xDEAD_BEEF] as [UInt32] {
                let expected = ReferenceFormat.crc(bytes, seed: seed)
                #expect(CRC32C.checksum(of: bytes.span.bytes, seed: seed) == expected)
                let tables = bytes.withUnsafeBytes { ~CRC32C.byTables(~seed, $0) }
                #expect(tables == expected)
                cases += 1
            }
        }
        print("CRC32C: \(cases) cases")
    }
}
