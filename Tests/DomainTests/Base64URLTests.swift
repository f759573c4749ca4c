import Domain
import Foundation
import TestSupport
import Testing

struct Base64URLTests {
    @Test func `every length and byte comes back, as Foundation writes it`() {
        var random = SeededGenerator(seed: 7)
        var cases = 0
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = base64URL(bytes)
            let oracle = Data(bytes).base64EncodedString().replacing("+", with: "-")
                .replacing("/", with: "_").replacing("=", with: "")
            #expect(text == oracle)
            #expect(base64URLDecoded(text) == bytes)
            cases += 1
        }
        print("cases \(cases)")
    }

    @Test(arguments: ["A", "AAAAA", "=", "A=", "AB", "A+", "A/", "A ", "é", "AAB"])
    func `what it never writes is refused`(text: String) {
        #expect(base64URLDecoded(text) == nil)
    }
}
