package import Domain
package import FailureStore
package import SystemIO

/// Why no remediation begins.
package enum RemediationRefusal: Error, Equatable, Sendable {
    /// No open failure matches.
    case nothingToDo(String)
    /// More failures match than the plan showed.
    case planChanged(String)
    case refused(String)
    case store(StoreFailure)
}

/// What an operator asks for.
package struct RemediationOrder: Sendable {
    package var rule: RuleName
    package var selection: FailureSelection
    package var priority: Int
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

/// Plans and begins remediations; the worker carries them out.
package struct RemediationDesk: Sendable {
    private let store: any FailureStoring
    private let clock: any ClockReading
    private let random: any RandomSource
    private let worker: RemediationWorker

    package init(
        store: any FailureStoring, clock: any ClockReading, random: any RandomSource,
        worker: RemediationWorker
    ) {
        self.store = store
        self.clock = clock
        self.random = random
        self.worker = worker
    }

    /// A job's status changed: whoever follows it looks now instead of at the end of its interval.
    package func lookNow() { worker.wake() }

    /// What the order would do, and in which Region; changes nothing.
    package func plan(
        _ order: RemediationOrder
    ) async throws(RemediationRefusal) -> (plan: SelectionPlan, region: String, at: Timestamp) {
        do {
            guard let rule = try await store.rules(order.rule).first else {
                throw StoreFailure.refused("no failure of rule \(order.rule) was ever seen")
            }
            let at = Timestamp(milliseconds: clock.wallMilliseconds())
            return (try await store.plan(selection(of: order)), rule.region, at)
        } catch let failure as StoreFailure {
            if case .refused(let sentence) = failure { throw .nothingToDo(sentence) }
            throw .store(failure)
        } catch {
            preconditionFailure("the store throws no \(error)")
        }
    }

    /// Stores a new remediation and hands it to the worker.
    package func start(
        _ order: RemediationOrder
    ) async throws(RemediationRefusal) -> RemediationRun {
        let (plan, region, now) = try await self.plan(order)
        guard plan.objects > 0 else {
            throw .nothingToDo("no open failure of \(order.rule) matches: nothing to do")
        }
        if let expected = order.expectedObjects, plan.objects > expected {
            throw .planChanged(
                "the plan showed \(expected) objects, now \(plan.objects) match: plan again")
        }
        let maximumObjects = worker.settings.maximumObjects
        guard plan.objects <= maximumObjects else {
            throw .refused(
                "\(plan.objects) objects match and batch.maxObjects is \(maximumObjects): select "
                    + "fewer, or raise it")
        }
        let run = RemediationRun(
            id: newID(now), rule: order.rule, region: region, selection: selection(of: order),
            priority: order.priority, createdAt: now, createdBy: order.by)
        do {
            try await store.begin(run, for: order.request)
        } catch {
            throw .store(error)
        }
        worker.wake()
        return run
    }

    private func selection(of order: RemediationOrder) -> FailureSelection {
        var selection = order.selection
        selection.rule = order.rule
        selection.firstUntil = order.plannedAt
        return selection
    }

    /// Sorts by time, fits a ClientRequestToken (64 characters) and an object's name.
    private func newID(_ now: Timestamp) -> String {
        let time = now.description.filter { $0.isNumber || $0 == "T" }.prefix(15)
        let suffix = String(random.next() & 0xFF_FFFF | 0x100_0000, radix: 16).dropFirst()
        return "\(time)-\(suffix)"
    }
}
