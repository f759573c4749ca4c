import Domain
import Testing

struct ExactTextTests {
    @Test func `texts are equal and ordered by their bytes`() {
        let pairs = [
            ("caf\u{e9}", "cafe\u{301}"), ("a\u{323}\u{307}", "a\u{307}\u{323}"), ("\u{212a}", "K"),
        ]
        for (left, right) in pairs {
            #expect(left == right)
            #expect(ExactText(left) != ExactText(right))
            #expect((ExactText(left) < ExactText(right)) != (ExactText(right) < ExactText(left)))
            #expect([ExactText(left): 1, ExactText(right): 2].count == 2)
            let rules = [left, right].map { RuleName(sourceBucket: "b", ruleID: $0) }
            #expect(rules[0] != rules[1] && Set(rules).count == 2)
            let identities = [left, right].map {
                FailureIdentity(
                    rule: rules[0], destinationBucket: "d", key: ObjectKey("k"), versionID: $0)
            }
            #expect(Set(identities).count == 2 && identities[0] == identities[0])
        }
        print("cases \(pairs.count) pairs")
    }

    @Test func `a code with a Kelvin sign is none that AWS documents`() {
        #expect(reasonClass(of: "SrcKmsKeyNotFound") == .unknown)
        #expect(reasonClass(of: "DstKmsKeyNotFound") == .kms)
        #expect(reasonClass(of: "Dst\u{212a}msKeyNotFound") == .unknown)
    }
}
