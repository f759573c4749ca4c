import Testing

@Test func `every cut of a document is refused, except behind a bare number or white space`() {
    var cuts = 0
    for seed in 0..<2000 as Range<UInt64> {
        let (text, _) = randomDocument(seed: seed)
        guard text.count <= 400, let first = text.first, first == 0x5B || first == 0x7B else {
            continue
        }
        let end = text.lastIndex { $0 == 0x5D || $0 == 0x7D }!
        for length in 0...end {
            let cut = Array(text[..<length])
            let skipping = errorOfSkipping(cut)
            #expect(skipping != nil, "seed \(seed), \(length) bytes")
            #expect(skipping == errorOfReading(cut), "seed \(seed), \(length) bytes")
            cuts += 1
        }
    }
    print("cut documents: \(cuts)")
    #expect(cuts > 10_000)
}
