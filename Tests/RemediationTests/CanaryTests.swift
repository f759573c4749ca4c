import Domain
import Remediation
import Testing

struct CanaryTests {
    let groups: [(reason: String, keys: [String])] = [
        ("DstPutObjectNotPermitted", (0..<20).map { "put/\($0)" }),
        ("DstKmsKeyNotFound", (0..<5).map { "kms/\($0)" }),
        ("DstBucketNotFound", ["bucket/0"]),
    ]

    func canary(_ rig: Rig, _ objects: Int = 4) async throws -> String {
        for group in groups { try await rig.fail(group.keys, reason: group.reason) }
        return try await rig.start { $0.canary = objects }.id
    }

    @Test func `one of each reason goes first, then those that the canary proved`() async throws {
        let rig = try Rig()
        let id = try await canary(rig)
        try await rig.untilJob(id)
        #expect(rig.cloud.jobs[0].description == "s3remedy \(id)-canary for orders/r1")
        let first = rig.cloud.manifest(of: rig.cloud.jobs[0])
        #expect(first.count == 4)
        #expect(Set(first.map { $0.split(separator: "/")[0] }) == ["put", "kms", "bucket"])
        #expect(try await rig.states().values.filter { $0 == .submitted }.count == 4)
        // The KMS key is still missing: its task succeeds, its version fails.
        for key in first {
            rig.cloud.set(key, .status(key.hasPrefix("kms") ? "FAILED" : "COMPLETED"))
        }
        rig.cloud.complete()
        try await rig.untilJob(id, 1)
        #expect(rig.cloud.jobs[1].description == "s3remedy \(id) for orders/r1")
        let second = rig.cloud.manifest(of: rig.cloud.jobs[1])
        let put = groups[0].keys.filter { !first.contains($0) }
        #expect(second == put.sorted())
        var run = try await rig.run(id)
        let held = try #require(run.canary?.heldBack)
        #expect(held.map(\.group.reason) == ["DstKmsKeyNotFound"] && held[0].objects == 4)
        for key in second { rig.cloud.set(key, .status("COMPLETED")) }
        rig.cloud.complete(1)
        run = try await rig.untilOver(id)
        #expect(run.state == .finished && run.jobs.map(\.role) == [.canary, .main])
        #expect(run.objects == 4 + put.count)
        let states = try await rig.states()
        #expect(groups[1].keys.allSatisfy { states[$0] == .open })
        #expect(groups[0].keys.allSatisfy { states[$0] == .replicated })
        let tally = try await rig.tally(id)
        #expect(tally[.replicated] == 21 && tally[.failedAgain] == 1 && tally[.verifying] == 0)
    }

    @Test func `a canary that is pending after an hour holds its group back`() async throws {
        let rig = try Rig()
        let id = try await canary(rig)
        try await rig.untilJob(id)
        let first = rig.cloud.manifest(of: rig.cloud.jobs[0])
        for key in first {
            rig.cloud.set(key, .status(key.hasPrefix("put") ? "COMPLETED" : "PENDING"))
        }
        rig.cloud.complete()
        let ended = try await rig.until(id) { $0.jobs[0].endedAt != nil }.jobs[0].endedAt
        try await rig.untilJob(id, 1)
        let waited = rig.now.milliseconds - (ended?.milliseconds ?? 0)
        #expect((3_600_000...3_720_000).contains(waited))
        #expect(rig.cloud.manifest(of: rig.cloud.jobs[1]).allSatisfy { $0.hasPrefix("put") })
        #expect(try await rig.states().values.filter { $0 == .verifying }.count == 2)
        // What was pending is verified to the end.
        for key in groups.flatMap(\.keys) { rig.cloud.set(key, .status("COMPLETED")) }
        rig.cloud.complete(1)
        _ = try await rig.untilOver(id)
        #expect(try await rig.states()["bucket/0"] == .replicated)
    }

    @Test func `when no group passes there is no second job`() async throws {
        let rig = try Rig()
        let id = try await canary(rig)
        try await rig.untilJob(id)
        rig.cloud.complete()
        let run = try await rig.untilOver(id)
        #expect(run.state == .finished && rig.cloud.jobs.count == 1)
        #expect(run.canary?.heldBack.reduce(0) { $0 + $1.objects } == 22)
        #expect(try await rig.states().values.allSatisfy { $0 == .open })
    }

    @Test func `what fails first after the plan is in neither job`() async throws {
        let rig = try Rig()
        let id = try await canary(rig)
        try await rig.untilJob(id)
        try await rig.fail(["put/later"], at: rig.now.milliseconds)
        for key in groups.flatMap(\.keys) { rig.cloud.set(key, .status("COMPLETED")) }
        rig.cloud.complete()
        try await rig.untilJob(id, 1)
        #expect(!rig.cloud.manifest(of: rig.cloud.jobs[1]).contains("put/later"))
    }

    @Test func `the bucket stays taken from the canary to the main job`() async throws {
        let rig = try Rig()
        let id = try await canary(rig)
        try await rig.untilJob(id)
        let other = try await rig.start()
        rig.cloud.complete()
        for key in groups.flatMap(\.keys) { rig.cloud.set(key, .status("PENDING")) }
        for _ in 0..<10 { try await rig.round() }
        #expect(try await rig.run(other.id).state == .planned)
    }

    @Test func `a canary for fewer objects than there are groups has one of each all the same`() {
        let planned = RemediationRun.Canary(
            wanted: 1,
            of: (0..<5).map {
                (RemediationTally.Group(reason: "r\($0)", destinationBucket: "d"), Int64($0))
            })
        #expect(planned.shares.map(\.left) == [1, 1, 1, 1])
        let more = RemediationRun.Canary(
            wanted: 100,
            of: [
                (.init(reason: "many", destinationBucket: "d"), 1000),
                (.init(reason: "few", destinationBucket: "d"), 3),
            ])
        #expect(more.shares.map(\.left).reduce(0, +) == 100 && more.shares[1].left <= 3)
    }
}
