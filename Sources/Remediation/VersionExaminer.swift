internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Logging
internal import SystemIO

/// What a round of HEADs found.
struct VerifiedSlice {
    var results: [VerificationResult] = []
    /// Why S3 refuses to speak of a version: it waits, and holds up no other.
    var refusal: String?
    /// What ended the round early.
    var trouble: StepFailure?
}

/// Asks S3 about the versions of failures, and says what the answers mean for each.
struct VersionExaminer {
    let lanes: VersionLanes
    let settings: RemediationSettings
    let clock: any ClockReading
    let log: Logger

    /// - Parameter runs: the remediations that the failures may belong to.
    func examine(
        _ due: [DueVerification], _ runs: [String: RemediationRun]
    ) async -> VerifiedSlice {
        let looks = await lanes.look(Set(due.map(\.asked)))
        var buckets: [String: BucketLook] = [:]
        // Only FAILED, which is one status for all destinations, needs to know them.
        for one in due
        where buckets[one.asked.bucket] == nil && looks[one.asked]?.saysFailed == true {
            buckets[one.asked.bucket] = await lanes.rules(
                of: one.asked.bucket, region: one.region)
        }
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        var slice = VerifiedSlice()
        for one in due {
            let retryAt = now.advanced(byMilliseconds: settings.verifyPause(tries: one.tries))
            switch looks[one.asked] {
            case .success(let answer):
                let run = one.stored.failure.remediationID.flatMap { runs[$0] }
                var context = VerdictContext(
                    now: now, destinations: buckets[one.asked.bucket]?.destinations,
                    job: one.stored.failure.lastTask.flatMap { run?.job($0.jobID) }
                        ?? run?.currentJob, patience: settings.patience)
                context.isGoneHeld =
                    run?.goneBrake == .pulled && run?.wishes.contains(.confirmGone) != true
                slice.results.append(verdict(answer, on: one.stored, context, retryAt: retryAt))
            case .failure(.refused(let sentence)):
                log.debug(
                    "S3 refuses to speak of a version",
                    metadata: [
                        "key": "\(one.stored.identity.key.encoded)",
                        "version": "\(one.stored.identity.versionID)", "problem": "\(sentence)",
                    ])
                slice.refusal = slice.refusal ?? sentence
                slice.results.append(
                    VerificationResult(
                        identity: one.stored.identity, occurrence: nil, note: nil,
                        retryAt: retryAt))
            case .failure(let trouble): slice.trouble = slice.trouble ?? trouble
            case nil: break
            }
        }
        return slice
    }
}

extension VersionLook {
    fileprivate var saysFailed: Bool {
        if case .success(.found(let head)) = self { return head.status == "FAILED" }
        return false
    }
}

extension VerificationResult {
    var isAbsence: Bool {
        if case .head(.absent) = occurrence { return true }
        return false
    }
}

extension DueVerification {
    var asked: AskedVersion {
        AskedVersion(
            region: region, bucket: stored.identity.rule.sourceBucket,
            version: ObjectVersion(
                key: stored.identity.key, versionID: stored.identity.versionID))
    }
}
