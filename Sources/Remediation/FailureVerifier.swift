package import Domain
package import FailureStore
package import Logging
package import SystemIO

/// What a verification without a job has found, as far as it has come.
package struct VerifiedFailures: Sendable, Equatable {
    /// Failures that were asked about; closed ones are passed over.
    package var looked: Int64 = 0
    /// Those that changed, or would, by the state that they came to.
    package var changed: [FailureState: Int64] = [:]
    /// Why some of them could not be asked about, or why it stopped.
    package var problem: String?
    /// Where to go on; nil at the end.
    package var nextCursor: String?
}

/// HEADs for any failures, on an operator's word: repairs made elsewhere get closed.
package struct FailureVerifier: Sendable {
    private let store: any FailureStoring
    private let lanes: VersionLanes
    private let worker: RemediationWorker
    private let clock: any ClockReading
    private let log: Logger

    package init(
        store: any FailureStoring, lanes: VersionLanes, worker: RemediationWorker,
        clock: any ClockReading, log: Logger
    ) {
        self.store = store
        self.lanes = lanes
        self.worker = worker
        self.clock = clock
        self.log = log
    }

    /// Goes on from a cursor for as long as a client waits.
    ///
    /// - Parameters:
    ///   - isDryRun: asks S3, and changes nothing.
    ///   - confirmsGone: closes versions as gone even where they are suspiciously many.
    package func verify(
        _ selection: FailureSelection, after cursor: String?, isDryRun: Bool, confirmsGone: Bool
    ) async throws(RemediationRefusal) -> VerifiedFailures {
        var found = VerifiedFailures()
        found.nextCursor = cursor
        var regions: [RuleName: String] = [:]
        let end =
            clock.monotonicNanoseconds()
            + UInt64(worker.settings.planDuration / .nanoseconds(1))
        repeat {
            let start = found.nextCursor
            let page = try await asking { () async throws(StoreFailure) in
                try await store.page(
                    FailureQuery(selection: selection, limit: 200, cursor: start))
            }
            let due = try await due(page.failures, &regions)
            var slice = await examiner.examine(due, try await runs(of: due))
            if let trouble = slice.trouble {
                found.problem = trouble.sentence
                return found
            }
            found.looked += Int64(due.count)
            found.problem = found.problem ?? slice.refusal
            let gone = (found.changed[.gone] ?? 0) + Int64(slice.results.count { $0.isAbsence })
            if !confirmsGone, RemediationRun.isTooMuchGone(gone, of: found.looked) {
                found.problem =
                    "\(gone) of \(found.looked) versions are gone: they are closed only with confirmGone"
                slice.results.removeAll(where: \.isAbsence)
            }
            let results = slice.results
            let reached =
                isDryRun
                ? foreseen(results, due)
                : try await asking { () async throws(StoreFailure) in
                    try await store.record(results, at: now)
                }
            found.changed.merge(reached, uniquingKeysWith: +)
            found.nextCursor = page.nextCursor
        } while found.nextCursor != nil && clock.monotonicNanoseconds() < end
        return found
    }

    private var examiner: VersionExaminer {
        VersionExaminer(lanes: lanes, settings: worker.settings, clock: clock, log: log)
    }

    private var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    /// Those that are not closed, with the Regions of their buckets.
    private func due(
        _ failures: [StoredFailure], _ regions: inout [RuleName: String]
    ) async throws(RemediationRefusal) -> [DueVerification] {
        var due: [DueVerification] = []
        for found in failures where !found.failure.state.isClosed {
            let rule = found.identity.rule
            if regions[rule] == nil {
                regions[rule] = try await asking { () async throws(StoreFailure) in
                    try await store.rules(rule)
                }.first?.region
            }
            guard let region = regions[rule] else { continue }
            due.append(DueVerification(stored: found, region: region, tries: 0))
        }
        return due
    }

    private func runs(
        of due: [DueVerification]
    ) async throws(RemediationRefusal) -> [String: RemediationRun] {
        var runs: [String: RemediationRun] = [:]
        for id in Set(due.compactMap(\.stored.failure.remediationID)) {
            runs[id] = try await asking { () async throws(StoreFailure) in
                try await store.remediation(id)
            }?.run
        }
        return runs
    }

    private func foreseen(
        _ results: [VerificationResult], _ due: [DueVerification]
    ) -> [FailureState: Int64] {
        let failures = Dictionary(
            due.map { ($0.stored.identity, $0.stored.failure) }, uniquingKeysWith: { $1 })
        var reached: [FailureState: Int64] = [:]
        for result in results {
            guard let occurrence = result.occurrence, var failure = failures[result.identity],
                failure.apply(occurrence) == .changed
            else { continue }
            reached[failure.state, default: 0] += 1
        }
        return reached
    }
}

extension StepFailure {
    fileprivate var sentence: String {
        switch self {
        case .temporary(let sentence), .refused(let sentence): sentence
        case .cancelled: "the daemon is stopping"
        }
    }
}
