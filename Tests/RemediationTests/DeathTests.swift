import Domain
import Remediation
import TestSupport
import Testing

/// The process dies at a request, before or after it took effect, and another goes on with the same store.
struct DeathTests {
    static let good = ["put/a", "put/b", "put/c"]
    static let bad = ["kms/a", "kms/b"]

    /// A canary of one object for each of two reasons, of which one is mended.
    func rig() async throws -> (Rig, id: String) {
        let rig = try Rig()
        try await rig.fail(Self.good)
        try await rig.fail(Self.bad, reason: "DstKmsKeyNotFound")
        try await rig.fail(["gone"], status: .absent)
        return (rig, try await rig.start { $0.canary = 2 }.id)
    }

    /// Rounds to the end; jobs that run are ended, with what they replicate; the dead are followed by others.
    func finish(_ rig: Rig, _ id: String) async throws {
        for _ in 0..<500 where try await !rig.run(id).state.isTerminal {
            try await rig.round()
            for (index, job) in rig.cloud.jobs.enumerated() where job.status == "Active" {
                for key in rig.cloud.manifest(of: job) {
                    rig.cloud.set(key, .status(key.hasPrefix("put") ? "COMPLETED" : "FAILED"))
                }
                rig.cloud.complete(index)
            }
            guard rig.cloud.with({ $0.isDead }) else { continue }
            rig.cloud.with { state in
                state.isDead = false
                state.death = nil
            }
            try rig.restart()
        }
    }

    @Test func `whenever it dies, each job is made once and no closure is false or lost`()
        async throws
    {
        let (first, id) = try await rig()
        let before = first.cloud.with { $0.requests }
        try await finish(first, id)
        let after = first.cloud.with { $0.requests }
        var deaths = 0
        for request in (before + 1)...after {
            for takesEffect in [false, true] {
                let (rig, id) = try await rig()
                rig.cloud.with { $0.death = (request, takesEffect) }
                try await finish(rig, id)
                let what: Comment = "request \(request), takes effect: \(takesEffect)"
                #expect(rig.cloud.with { $0.death == nil }, what)
                let run = try await rig.run(id)
                #expect(run.state == .finished, what)
                #expect(rig.cloud.jobs.count == 2, what)
                let failures = try await rig.failures()
                #expect(
                    Self.good.allSatisfy { failures[$0]?.evidence == .status }
                        && Self.bad.allSatisfy { failures[$0]?.state == .open }
                        && failures["gone"]?.evidence == .absent, what)
                let tally = try await rig.tally(id)
                #expect(tally[.replicated] == 3 && tally[.failedAgain] == 1, what)
                #expect(tally[.submitted] == 0 && tally[.verifying] == 0, what)
                deaths += 1
            }
        }
        #expect(deaths > 40)
        print(
            "\(deaths) deaths, each followed by another process: 2 jobs, 3 closed, 2 open, 1 gone")
    }
}
