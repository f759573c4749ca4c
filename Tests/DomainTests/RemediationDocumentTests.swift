import Domain
import Foundation
import Testing

/// What is stored is read again, and so is what older versions stored.
struct RemediationDocumentTests {
    @Test func `a run comes back as it was`() throws {
        var run = RemediationRunTests.run {
            $0.canary = 3
            $0.confirmation = true
            $0.verification = .sample
        }
        run.canary = .init(wanted: 3, of: [(RemediationRunTests.group, Int64(5))])
        run.canary?.passed = [RemediationRunTests.group]
        run.canary?.heldBack = [.init(group: RemediationRunTests.group, objects: 7)]
        run.precheck.cursor = "c"
        run.state = .verifying
        run.objects = 5
        run.bytes = .max
        var job = RemediationRun.Job(role: .canary, manifest: RemediationRunTests.manifest)
        job.request = [0, 255]
        job.jobID = "j"
        job.report = RemediationRunTests.report
        job.report?.jobCodes = ["DstBucketInvalidRegion": 2]
        run.jobs = [job]
        run.sampleLeft = 9
        run.goneBrake = .pulled
        run.problem = "p"
        let document = try JSONEncoder().encode(run)
        #expect(try JSONDecoder().decode(RemediationRun.self, from: document) == run)
        run.wishes = [.cancel]
        #expect(try JSONEncoder().encode(run).count == document.count)
    }

    @Test func `a run of version 3 goes on with its only job`() throws {
        let text = """
            {"state":"jobFollowed","bytes":3,"selection":{},"outcome":{"failedAgain":1,"gone":0,"parked":0,
            "replicated":2},"objects":4,"createdBy":"uid 0","id":"run-1","region":"eu-west-1","priority":10,
            "rule":{"sourceBucket":"orders","ruleID":"r2"},"createdAt":"2023-11-15T01:00:00.000Z",
            "manifest":{"bucket":"m","key":"k","eTag":"e"},
            "job":{"request":[1,2],"jobID":"j","status":"Active","createdAt":"2023-11-15T01:02:00.000Z",
            "tasks":{"total":4,"succeeded":1,"failed":0}}}
            """
        let run = try JSONDecoder().decode(RemediationRun.self, from: Data(text.utf8))
        #expect(run.nextAction == .describeJob(id: "j") && run.role == .main)
        #expect(run.jobs.count == 1 && run.jobs[0].request == [1, 2])
        #expect(run.jobs[0].manifest?.key == "k" && run.jobs[0].tasks?.succeeded == 1)
        #expect(run.options == RemediationRun.Options())
        let begun = text.replacing("jobFollowed", with: "planned")
            .replacing("\"manifest\":{\"bucket\":\"m\",\"key\":\"k\",\"eTag\":\"e\"},", with: "")
        let planned = try JSONDecoder().decode(RemediationRun.self, from: Data(begun.utf8))
        #expect(planned.nextAction == .selectFailures && planned.jobs.isEmpty)
    }
}
