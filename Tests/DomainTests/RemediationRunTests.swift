import Domain
import Testing

struct RemediationRunTests {
    let time = Timestamp(milliseconds: 1000)
    let manifest = RemediationRun.Manifest(bucket: "m", key: "k", eTag: "e", versionID: nil)

    func run() -> RemediationRun {
        RemediationRun(
            id: "r1", rule: RuleName(sourceBucket: "orders", ruleID: "a"), region: "eu-west-1",
            selection: FailureSelection(), priority: 10, createdAt: time, createdBy: "uid 0")
    }

    func described(_ status: String) -> RemediationEvent {
        .jobDescribed(status: status, createdAt: time, tasks: nil, problem: nil, at: time)
    }

    func take(_ run: inout RemediationRun, _ event: RemediationEvent) {
        let isTaken = run.apply(event)
        #expect(isTaken, "\(event) changed nothing in \(run.state)")
    }

    func ignore(_ run: inout RemediationRun, _ event: RemediationEvent) {
        let isTaken = run.apply(event)
        #expect(!isTaken, "\(event) changed \(run.state)")
    }

    @Test func `each state asks for the effect that leaves it`() {
        var run = run()
        #expect(run.nextAction == .selectFailures)
        take(&run, .selected)
        #expect(run.nextAction == .writeManifest)
        take(&run, .manifestWritten(manifest))
        #expect(run.nextAction == .prepareJob(manifest))
        take(&run, .jobPrepared(request: [1, 2]))
        #expect(run.nextAction == .createJob(request: [1, 2]))
        take(&run, .jobFound(id: "j"))
        #expect(run.nextAction == .describeJob(id: "j"))
        take(&run, described("Active"))
        #expect(run.state == .jobFollowed)
        take(&run, described("Complete"))
        #expect(run.nextAction == .verify)
        take(&run, .verified(at: time))
        #expect(run.state == .finished)
        #expect(run.nextAction == .nothing)
    }

    @Test func `an answer to an action done twice changes nothing`() {
        var run = run()
        _ = run.apply(.selected)
        _ = run.apply(.manifestWritten(manifest))
        _ = run.apply(.jobPrepared(request: [1]))
        let before = run
        ignore(&run, .jobPrepared(request: [2]))
        ignore(&run, .manifestWritten(manifest))
        ignore(&run, .selected)
        #expect(run == before)
    }

    @Test func `a refusal ends every state but the ended ones`() {
        var refused = run()
        take(&refused, .refused("no role", at: time))
        #expect(refused.state == .failed)
        #expect(refused.problem == "no role")
        ignore(&refused, .refused("again", at: time))
        #expect(refused.problem == "no role")
    }

    @Test func `a cancelled job ends a remediation as cancelled, after verification`() {
        var run = run()
        for event in [
            .selected, .manifestWritten(manifest), .jobPrepared(request: [1]), .jobFound(id: "j"),
            described("Cancelled"),
        ] as [RemediationEvent] { take(&run, event) }
        #expect(run.state == .verifying)
        take(&run, .verified(at: time))
        #expect(run.state == .cancelled)
    }
}
