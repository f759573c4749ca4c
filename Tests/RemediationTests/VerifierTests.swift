import Domain
import Remediation
import TestSupport
import Testing

/// HEADs on an operator's word, without a job.
struct VerifierTests {
    var rule: FailureSelection {
        var selection = FailureSelection()
        selection.rule = Rig.rule
        return selection
    }

    @Test func `repairs made elsewhere are closed, and a dry run only says so`()
        async throws
    {
        let rig = try Rig()
        try await rig.fail(["open", "broken"])
        try await rig.fail(["parked"], reason: "SrcObjectNotEligible")
        try await rig.fail(["gone"], reason: "SrcKeyNotFound", status: .absent)
        try await rig.fail(["marker"], status: .deleteMarker)
        for key in ["open", "parked"] { rig.cloud.set(key, .status("COMPLETED")) }
        let before = try await rig.states()
        let seen = try await rig.desk.verifier.verify(
            rule, after: nil, isDryRun: true, confirmsGone: false)
        #expect(seen.looked == 5 && seen.nextCursor == nil && seen.problem == nil)
        #expect(seen.changed == [.replicated: 2, .gone: 1])
        #expect(try await rig.states() == before)
        let done = try await rig.desk.verifier.verify(
            rule, after: nil, isDryRun: false, confirmsGone: false)
        #expect(done == seen)
        #expect(
            try await rig.states() == [
                "open": .replicated, "parked": .replicated, "gone": .gone, "broken": .open,
                "marker": .open,
            ])
        #expect(rig.cloud.jobs.isEmpty)
        let again = try await rig.desk.verifier.verify(
            rule, after: nil, isDryRun: false, confirmsGone: false)
        #expect(again.looked == 2 && again.changed == [:])
    }

    @Test func `an empty bucket closes nothing until it is confirmed`() async throws {
        let rig = try Rig()
        try await rig.fail((0..<150).map { "k\($0)" }, status: .absent)
        let seen = try await rig.desk.verifier.verify(
            rule, after: nil, isDryRun: false, confirmsGone: false)
        #expect(seen.changed == [:] && seen.problem?.contains("confirmGone") == true)
        let done = try await rig.desk.verifier.verify(
            rule, after: nil, isDryRun: false, confirmsGone: true)
        #expect(done.changed == [.gone: 150] && done.problem == nil)
    }

    @Test func `it goes on from where the time was over`() async throws {
        let rig = try Rig { $0.planDuration = .zero }
        try await rig.fail((0..<450).map { "k\($0)" }, status: .status("COMPLETED"))
        var cursor: String?
        var looked: [Int64] = []
        repeat {
            let found = try await rig.desk.verifier.verify(
                rule, after: cursor, isDryRun: false, confirmsGone: false)
            looked.append(found.looked)
            cursor = found.nextCursor
        } while cursor != nil
        #expect(looked == [200, 200, 50])
        #expect(try await rig.states().values.allSatisfy { $0 == .replicated })
    }

    @Test func `what S3 refuses to speak of is told`() async throws {
        let rig = try Rig()
        try await rig.fail(["denied", "done"], status: .status("COMPLETED"))
        rig.cloud.set("denied", .denied)
        let found = try await rig.desk.verifier.verify(
            rule, after: nil, isDryRun: false, confirmsGone: false)
        #expect(found.changed == [.replicated: 1])
        #expect(found.problem?.contains("s3:GetObjectVersion") == true)
    }
}
