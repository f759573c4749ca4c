import SystemIO
import Testing
import WriteAheadLog

struct ForgeryTests {
    /// Frames that promise LSN 50 and claim every LSN near, made with `seed`.
    private func forged(seed: UInt32) -> [UInt8] {
        (1...20).flatMap { lsn in
            ReferenceFormat.frame(
                type: 2, lsn: lsn, promise: lsn, previous: 0, payload: [], seed: seed
            ).bytes
                + ReferenceFormat.frame(
                    type: 1, lsn: lsn, promise: lsn - 1, previous: 0, payload: [0x41], seed: seed
                ).bytes
        }
    }

    /// Appends a hostile payload, tears its frame's first byte, and says what recovery makes of it.
    private func outcome(seed: (UInt32) -> UInt32) async throws -> LogFailure? {
        var options = LogBench.smallSegments
        options.segmentBytes = 16 << 10
        let bench = try LogBench(options)
        let copy = try await bench.withLog { log, _ in
            _ = try await log.append([payload(1)])
            let own: UInt32 = ReferenceFormat.number(try bench.files()[0].bytes, 40)
            _ = try await log.append([forged(seed: seed(own))])
            return try LogBench(options, copyOf: bench)
        }
        let name = try copy.segmentNames()[0]
        let last = try #require(framePlaces(try read(copy.path(name))).last)
        try copy.edit(name) { $0[last.offset] ^= 1 }
        return try await copy.refusal()
    }

    @Test func `frames embedded in a payload prove nothing, whatever seed their author guessed`()
        async throws
    {
        let guesses: [(UInt32) -> UInt32] = [
            { _ in 0 }, { $0 &+ 1 }, { ~$0 }, { $0 ^ 0x8000_0000 },
        ]
        for guess in guesses { #expect(try await outcome(seed: guess) == nil) }
        print("embedded frames: \(guesses.count) guesses x 40 frames")
    }

    @Test func `only the segment's own seed would make them valid`() async throws {
        guard case .damaged = try await outcome(seed: { $0 }) else {
            Issue.record("the forged frames were not even looked at")
            return
        }
    }
}
