internal import AWSProtocol
package import Domain
package import FailureStore
package import SystemIO

/// Why no remediation begins, or is changed.
package enum RemediationRefusal: Error, Equatable, Sendable {
    /// No open failure matches.
    case nothingToDo(String)
    /// More failures match than the plan showed.
    case planChanged(String)
    case refused(String)
    /// There is no remediation with this ID.
    case unknown(String)
    case store(StoreFailure)
}

/// What an operator asks for.
package struct RemediationOrder: Sendable {
    package var rule: RuleName
    package var selection: FailureSelection
    package var priority: Int
    /// Objects that go first.
    package var canary: Int?
    /// Jobs wait for a confirmation before their first task.
    package var confirmation = false
    /// From the plan: failures first seen later are left out.
    package var plannedAt: Timestamp?
    /// From the plan: more is refused.
    package var expectedObjects: Int64?
    /// Such as `uid 1000`.
    package var by: String
    /// Of a client that may ask again for the same.
    package var request: KeyedRequest?

    package init(
        rule: RuleName, selection: FailureSelection, priority: Int, plannedAt: Timestamp?,
        expectedObjects: Int64?, by: String, request: KeyedRequest? = nil
    ) {
        self.rule = rule
        self.selection = selection
        self.priority = priority
        self.plannedAt = plannedAt
        self.expectedObjects = expectedObjects
        self.by = by
        self.request = request
    }
}

/// What a remediation would do.
package struct RemediationPlan: Sendable {
    package var selection: SelectionPlan
    package var region: String
    package var at: Timestamp
    /// What the plan's own HEADs have closed or parked; `isDone` when it could look at all.
    package var precheck = RemediationRun.Precheck()
    package var warnings: [String] = []
}

/// Plans and begins remediations, and takes what operators ask of them; the worker carries them out.
package struct RemediationDesk: Sendable {
    private let store: any FailureStoring
    private let lanes: VersionLanes
    private let clock: any ClockReading
    private let random: any RandomSource
    private let worker: RemediationWorker
    /// Looks without making a job.
    package let verifier: FailureVerifier

    package init(
        store: any FailureStoring, lanes: VersionLanes, clock: any ClockReading,
        random: any RandomSource, worker: RemediationWorker
    ) {
        verifier = FailureVerifier(
            store: store, lanes: lanes, worker: worker, clock: clock, log: worker.log)
        self.store = store
        self.lanes = lanes
        self.clock = clock
        self.random = random
        self.worker = worker
    }

    /// A job's status changed: whoever follows it looks now instead of at the end of its interval.
    package func lookNow() { worker.wake() }

    /// What the order would do, and in which Region. It looks at the bucket, and at as many objects as it has time for:
    /// what S3 says is replicated, gone or archived is closed or parked, and leaves the plan.
    package func plan(
        _ order: RemediationOrder
    ) async throws(RemediationRefusal) -> RemediationPlan {
        var plan = try await survey(order)
        guard plan.selection.objects > 0 else { return plan }
        let checker = Prechecker(
            store: store, lanes: lanes, rule: order.rule, region: plan.region)
        let end = clock.monotonicNanoseconds() + UInt64(settings.planDuration / .nanoseconds(1))
        while !plan.precheck.isDone, plan.precheck.looked < settings.precheckLimit,
            clock.monotonicNanoseconds() < end
        {
            do {
                plan.precheck = try await checker.next(
                    selection(of: order), plan.precheck, limit: 200, at: now)
            } catch {
                // The plan stands without it; the remediation looks again.
                if case .temporary(let sentence) = error { plan.warnings.append(sentence) }
                break
            }
        }
        if plan.precheck.left > 0 {
            plan.selection = try await asking { () async throws(StoreFailure) in
                try await store.plan(selection(of: order))
            }
        }
        return plan
    }

    /// Counts, and the bucket's configuration; changes nothing.
    private func survey(
        _ order: RemediationOrder
    ) async throws(RemediationRefusal) -> RemediationPlan {
        let rules = try await asking { () async throws(StoreFailure) in
            try await store.rules(order.rule)
        }
        guard let rule = rules.first else {
            throw .nothingToDo("no failure of rule \(order.rule) was ever seen")
        }
        let at = now
        let counted = try await asking { () async throws(StoreFailure) in
            try await store.plan(selection(of: order))
        }
        var plan = RemediationPlan(selection: counted, region: rule.region, at: at)
        guard counted.objects > 0 else { return plan }
        let look = await lanes.look(
            at: order.rule.sourceBucket, region: rule.region, within: .seconds(8), clock)
        let destinations = Set(counted.reasons.map(\.destinationBucket))
        if let sentence = look.refusal(of: order.rule, to: destinations) {
            throw .refused(sentence)
        }
        plan.warnings = look.warnings(for: order.rule)
        return plan
    }

    /// Stores a new remediation and hands it to the worker.
    package func start(
        _ order: RemediationOrder
    ) async throws(RemediationRefusal) -> RemediationRun {
        let plan = try await survey(order)
        let objects = plan.selection.objects
        guard objects > 0 else {
            throw .nothingToDo("no open failure of \(order.rule) matches: nothing to do")
        }
        if let expected = order.expectedObjects, objects > expected {
            throw .planChanged(
                "the plan showed \(expected) objects, now \(objects) match: plan again")
        }
        guard objects <= settings.maximumObjects else {
            throw .refused(
                "\(objects) objects match and batch.maxObjects is \(settings.maximumObjects): select "
                    + "fewer, or raise it")
        }
        var options = RemediationRun.Options()
        options.canary = order.canary.flatMap { Int64($0) < objects ? $0 : nil }
        options.confirmation = order.confirmation
        options.verification = settings.verification
        var selection = selection(of: order)
        // The main job follows its canary hours later, and takes no more than was planned.
        if options.canary != nil { selection.firstUntil = selection.firstUntil ?? plan.at }
        let run = RemediationRun(
            id: newID(plan.at), rule: order.rule, region: plan.region, selection: selection,
            priority: order.priority, options: options, createdAt: plan.at, createdBy: order.by)
        try await asking { () async throws(StoreFailure) in
            try await store.begin(run, for: order.request)
        }
        worker.wake(run.id)
        return run
    }

    /// Ends a remediation: its job, if it has one, is cancelled, and what it holds is given back or verified later.
    package func cancel(
        _ id: String, by: String
    ) async throws(RemediationRefusal) -> StoredRemediation {
        try await ask(id, by: by) { _ in .cancel }
    }

    /// Lets a suspended job run, or lets versions be closed as gone that are suspiciously many.
    package func confirm(
        _ id: String, by: String
    ) async throws(RemediationRefusal) -> StoredRemediation {
        try await ask(id, by: by) { $0.wishToConfirm }
    }

    private func ask(
        _ id: String, by: String, _ choose: (RemediationRun) -> RemediationRun.Wish?
    ) async throws(RemediationRefusal) -> StoredRemediation {
        let found = try await stored(id)
        guard !found.run.state.isTerminal else {
            throw .refused("remediation \(id) is \(found.run.state.rawValue) already")
        }
        guard let wish = choose(found.run) else {
            throw .refused("remediation \(id) waits for no confirmation now")
        }
        let at = now
        let isTaken = try await asking { () async throws(StoreFailure) in
            try await store.ask(wish, of: id, by: by, at: at)
        }
        guard isTaken else { throw .refused("remediation \(id) has ended meanwhile") }
        worker.wake(id)
        return try await stored(id)
    }

    private func stored(_ id: String) async throws(RemediationRefusal) -> StoredRemediation {
        let found = try await asking { () async throws(StoreFailure) in
            try await store.remediation(id)
        }
        guard let found else { throw .unknown("there is no remediation \(id)") }
        return found
    }

    private func selection(of order: RemediationOrder) -> FailureSelection {
        var selection = order.selection
        selection.rule = order.rule
        selection.firstUntil = order.plannedAt
        selection.objects = order.selection.objects.map { Array(Set($0)).sorted() }
        return selection
    }

    private var settings: RemediationSettings { worker.settings }

    private var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    /// Sorts by time, fits a ClientRequestToken (64 characters) and an object's name.
    private func newID(_ now: Timestamp) -> String {
        let time = now.description.filter { $0.isNumber || $0 == "T" }.prefix(15)
        let suffix = String(random.next() & 0xFF_FFFF | 0x100_0000, radix: 16).dropFirst()
        return "\(time)-\(suffix)"
    }
}

/// What the store refuses, an operator is told.
func asking<Value>(
    _ work: () async throws(StoreFailure) -> Value
) async throws(RemediationRefusal) -> Value {
    do {
        return try await work()
    } catch {
        throw .store(error)
    }
}
