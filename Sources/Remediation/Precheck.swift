internal import Domain
internal import FailureStore

/// HEADs of open failures before a job is made for them: what S3 says is replicated, gone or archived leaves the plan.
struct Prechecker {
    let store: any FailureStoring
    let lanes: VersionLanes
    let rule: RuleName
    let region: String

    /// Looks at the next failures of a selection, at most `limit`.
    func next(
        _ selection: FailureSelection, _ seen: RemediationRun.Precheck, limit: Int,
        at now: Timestamp
    ) async throws(StepFailure) -> RemediationRun.Precheck {
        var wanted = selection
        wanted.rule = rule
        wanted.state = .open
        let query = FailureQuery(selection: wanted, limit: limit, cursor: seen.cursor)
        let page = try await storing { () async throws(StoreFailure) in
            try await store.page(query)
        }
        let looks = await lanes.look(Set(page.failures.map(asked)))
        if case .failure(let trouble)? = looks.values.first(where: \.isTrouble) { throw trouble }
        var precheck = seen
        precheck.looked += Int64(page.failures.count)
        precheck.cursor = page.nextCursor
        precheck.isDone = page.nextCursor == nil
        let results = results(page.failures, looks, precheck)
        let reached = try await storing { () async throws(StoreFailure) in
            try await store.record(results, at: now)
        }
        precheck.replicated += reached[.replicated] ?? 0
        precheck.gone += reached[.gone] ?? 0
        precheck.parked += reached[.parked] ?? 0
        return precheck
    }

    /// What S3 refuses to speak of stays in the plan, and so do absent versions when they are too many: the brake of
    /// the verification is for them.
    private func results(
        _ failures: [StoredFailure], _ looks: [AskedVersion: VersionLook],
        _ precheck: RemediationRun.Precheck
    ) -> [VerificationResult] {
        var results: [VerificationResult] = []
        var absent: [VerificationResult] = []
        for found in failures {
            guard case .success(let answer)? = looks[asked(found)],
                let finding = precheckFinding(answer)
            else { continue }
            let result = VerificationResult(identity: found.identity, occurrence: .head(finding))
            if case .absent = finding { absent.append(result) } else { results.append(result) }
        }
        let gone = precheck.gone + Int64(absent.count)
        let isTooMuch = RemediationRun.isTooMuchGone(gone, of: precheck.looked)
        return isTooMuch ? results : results + absent
    }

    private func asked(_ found: StoredFailure) -> AskedVersion {
        AskedVersion(
            region: region, bucket: rule.sourceBucket,
            version: ObjectVersion(key: found.identity.key, versionID: found.identity.versionID))
    }
}

extension VersionLook {
    /// Not of this version alone: of the connection, the credentials, the service.
    fileprivate var isTrouble: Bool {
        switch self {
        case .failure(.temporary), .failure(.cancelled): true
        case .failure(.refused), .success: false
        }
    }
}

extension RemediationWorker {
    /// One slice; the limit of all leaves the rest to the job.
    func precheck(_ run: RemediationRun) async throws(StepFailure) -> Step {
        let checker = Prechecker(store: store, lanes: lanes, rule: run.rule, region: run.region)
        let left = settings.precheckLimit - run.precheck.looked
        var seen = run.precheck
        if left > 0 {
            seen = try await checker.next(
                run.selection, seen, limit: Int(min(left, Int64(settings.headsPerStep))), at: now)
        }
        if seen.looked >= settings.precheckLimit { seen.isDone = true }
        if seen.isDone { seen.cursor = nil }
        var step = try await proceed(run, .prechecked(seen))
        step.next = seen.isDone ? .goOn : .yield
        return step
    }
}
