import Domain
import Testing

struct FailureReasonTests {
    @Test func `every documented reason has its class, who can mend it, and what to do`() {
        #expect(documentedReasons.count == 34)
        let codes = documentedReasons.map(\.code)
        #expect(codes == codes.sorted() && Set(codes).count == 34)
        for reason in documentedReasons {
            #expect(reason.reasonClass != .unknown && reason.owner != .unknown, "\(reason.code)")
            for text in [reason.meaning, reason.fix] {
                #expect(text.count > 30 && text.hasSuffix("."), "\(reason.code): \(text)")
                #expect(!text.contains("\n") && !text.contains("  "), "\(reason.code): \(text)")
            }
            #expect(advice(for: reason.code) == reason)
            #expect(reasonClass(of: reason.code) == reason.reasonClass)
        }
        print("reasons \(documentedReasons.count)")
    }

    /// What the design fixes.
    @Test(arguments: [
        ("DstPutObjectNotPermitted", ReasonClass.fix), ("SrcBucketNotFound", .fix),
        ("DstVersionNotFound", .fix), ("DstObjectHardDeleted", .ineligible),
        ("SrcObjectNotEligible", .ineligible), ("DstKmsKeyNotFound", .kms),
        ("DstKmsKeyInvalidState", .kms), ("SrcKmsKeyInvalidState", .kms),
        ("SrcKeyNotFound", .gone), ("SrcObjectNotFound", .gone), ("SrcVersionNotFound", .gone),
        ("SrcReplicationNotPending", .done), ("InitiateReplicationNotPermitted", .job),
        ("DstBucketInvalidRegion", .job), ("SrcBucketInvalidRegion", .job),
        ("AssumeRoleNotPermitted", .fix),
    ])
    func `classes are the design's`(code: String, kind: ReasonClass) {
        #expect(reasonClass(of: code) == kind)
    }

    @Test func `class and owner agree`() {
        for reason in documentedReasons {
            let name = Comment(rawValue: reason.code)
            switch reason.reasonClass {
            case .kms: #expect(reason.owner == .kmsAdministrator, name)
            case .job: #expect(reason.owner == .operator, name)
            case .gone, .done: #expect(reason.owner == .nobody, name)
            case .fix, .ineligible:
                let isDestination = reason.code.hasPrefix("Dst") && reason.reasonClass == .fix
                #expect(
                    reason.owner == (isDestination ? .destinationBucketOwner : .sourceBucketOwner),
                    name)
            case .unknown: Issue.record(name)
            }
        }
    }

    @Test(arguments: ["DstPutObjNotPermitted", "", "dstbucketnotfound", "Dst\u{212A}msKeyNotFound"])
    func `an unknown code passes through as it is`(code: String) {
        let found = advice(for: code)
        #expect(Array(found.code.utf8) == Array(code.utf8))
        #expect(found.reasonClass == .unknown && found.owner == .unknown && !found.fix.isEmpty)
    }
}
