internal import ControlAPI
internal import Foundation
internal import Testing

@testable import s3remedy

private func item(_ state: String, _ rest: String = "") throws -> RemediationItem {
    try JSONDecoder().decode(
        RemediationItem.self,
        from: Data(
            #"""
            {"id":"r","sourceBucket":"b","ruleId":"r","state":"\#(state)","objects":200,"bytes":1,
            "jobs":[],"heldBack":[],"estimatedCost":{"jobsUSD":0.25,"notIncluded":[]},
            "outcome":{"replicated":0,"failedAgain":0,"gone":0,"parked":0,"verifying":0},
            "createdAt":"2026-11-24T00:00:00.000Z","createdBy":"uid 0"\#(rest)}
            """#.utf8))
}

private func following(_ succeeded: Int, _ failed: Int) throws -> RemediationItem {
    var following = try item("jobFollowed")
    following.jobs = try JSONDecoder().decode(
        [RemediationItem.Job].self,
        from: Data(
            #"""
            [{"role":"main","jobId":"j","status":"Active",
            "tasks":{"total":2000,"succeeded":\#(succeeded),"failed":\#(failed)}}]
            """#.utf8))
    return following
}

private let second: UInt64 = 1_000_000_000

@Test func `a job's tasks fill the bar, with pace and the time that is left`() throws {
    var bar = ProgressBar()
    #expect(try bar.line(item("planned"), at: 0) == "planned")
    #expect(
        try bar.line(following(100, 0), at: 5 * second)
            == "[#-------------------] main job Active, 100 of 2,000 tasks (5 %)")
    // 10 s later 900 more are done.
    #expect(
        try bar.line(following(990, 10), at: 15 * second)
            == "[##########----------] main job Active, 1,000 of 2,000 tasks (50 %), 10 failed, 90/s, 11 s left"
    )
    #expect(
        try bar.line(following(1990, 10), at: 35 * second)
            == "[####################] main job Active, 2,000 of 2,000 tasks (100 %), 10 failed, 63/s"
    )
}

@Test func `each phase has its own pace`() throws {
    var bar = ProgressBar()
    _ = try bar.line(following(2000, 0), at: second)
    var verifying = try item("verifying")
    verifying.outcome.verifying = 200
    #expect(
        bar.line(verifying, at: 2 * second)
            == "[--------------------] verifying, 0 replicated, 200 to go")
    verifying.outcome.verifying = 195
    verifying.outcome.replicated = 5
    #expect(
        bar.line(verifying, at: 12 * second)
            == "[--------------------] verifying, 5 replicated, 195 to go, 0.5/s, 6 min left")
}
