internal import ControlAPI
internal import ControlServer
internal import Domain
internal import FailureStore
internal import Remediation
internal import SystemIO

extension ControlRoutes {
    func remediations(_ reader: RequestReader) async throws -> ControlReply {
        let limit = try reader.limit()
        let page = try await store.remediations(before: try reader.numberCursor(), limit: limit)
        return .json(
            Page(
                items: page.remediations.map { RemediationItem($0.run, $0.tally) },
                nextCursor: page.nextSequence.map { cursor("\($0)") }))
    }

    func remediation(_ reader: RequestReader) async throws -> ControlReply {
        let found = try await stored(reader.request.parameters["id"] ?? "")
        return .json(RemediationItem(found.run, found.tally))
    }

    func remediation(startedAs id: String) async throws -> ControlReply {
        let found = try await stored(id)
        return .json(RemediationItem(found.run, found.tally), status: 201)
    }

    private func stored(_ id: String) async throws -> StoredRemediation {
        guard let found = try await store.remediation(id) else {
            throw ProblemCode.noSuchRemediation.problem("there is no remediation \(id.prefix(60))")
        }
        return found
    }

    /// The remediation whenever it has changed, a line each, until it is over.
    func remediationEvents(_ reader: RequestReader) async throws -> ControlReply {
        let id = try await stored(reader.request.parameters["id"] ?? "").run.id
        let feed = RemediationFeed(id: id, store: store, clock: clock)
        return ControlReply(
            status: 200, contentType: "application/x-ndjson",
            body: .stream(AsyncStream { await feed.next() }))
    }

    func cancelRemediation(_ reader: RequestReader) async throws -> ControlReply {
        let by = "uid \(reader.request.peer.uid)"
        let id = reader.request.parameters["id"] ?? ""
        return try await asking { desk throws(RemediationRefusal) in
            try await desk.cancel(id, by: by)
        }
    }

    func confirmRemediation(_ reader: RequestReader) async throws -> ControlReply {
        let by = "uid \(reader.request.peer.uid)"
        let id = reader.request.parameters["id"] ?? ""
        return try await asking { desk throws(RemediationRefusal) in
            try await desk.confirm(id, by: by)
        }
    }

    /// HEADs for any failures, without a job.
    func verifyFailures(_ reader: RequestReader) async throws -> ControlReply {
        try reader.checkMembers(VerifyRequest.members)
        let asked = try reader.body(VerifyRequest.self)
        guard asked.filter.rule != nil || asked.filter.bucket != nil else {
            throw ProblemCode.badRequest.problem("filter must name a rule or a bucket at least")
        }
        let selection = try selection(of: asked.filter)
        let desk = try configuredDesk()
        do throws(RemediationRefusal) {
            let found = try await desk.verifier.verify(
                selection, after: asked.cursor, isDryRun: asked.dryRun ?? false,
                confirmsGone: asked.confirmGone ?? false)
            return .json(
                VerifyReply(
                    looked: found.looked,
                    changed: Dictionary(
                        uniqueKeysWithValues: found.changed.map { ($0.key.name, $0.value) }),
                    problem: found.problem, nextCursor: found.nextCursor))
        } catch { throw refusal(error) }
    }

    private func asking(
        _ question: (RemediationDesk) async throws(RemediationRefusal) -> StoredRemediation
    ) async throws -> ControlReply {
        let desk = try configuredDesk()
        do throws(RemediationRefusal) {
            let found = try await question(desk)
            return .json(RemediationItem(found.run, found.tally))
        } catch { throw refusal(error) }
    }

    private func configuredDesk() throws(ProblemReply) -> RemediationDesk {
        guard let desk else {
            throw ProblemCode.batchNotConfigured.problem(
                "remediation needs batch in the configuration: roleArn, manifest and report")
        }
        return desk
    }

    func remediate(_ reader: RequestReader) async throws -> ControlReply {
        try reader.checkMembers(RemediationRequest.members)
        let asked = try reader.body(RemediationRequest.self)
        let desk = try configuredDesk()
        var order = try order(asked, by: "uid \(reader.request.peer.uid)")
        order.request = reader.keyedRequest
        do throws(RemediationRefusal) {
            if asked.dryRun == true {
                let plan = try await desk.plan(order)
                return .json(PlanReply(order.rule, plan, hasCanary: order.canary != nil))
            }
            let run = try await desk.start(order)
            return .json(RemediationItem(run, RemediationTally()), status: 201)
        } catch { throw refusal(error) }
    }

    private func refusal(_ refusal: RemediationRefusal) -> any Error {
        switch refusal {
        case .nothingToDo(let sentence): ProblemCode.nothingToDo.problem(sentence)
        case .planChanged(let sentence): ProblemCode.planChanged.problem(sentence)
        case .refused(let sentence): ProblemCode.remediationRefused.problem(sentence)
        case .unknown(let sentence): ProblemCode.noSuchRemediation.problem(sentence)
        case .store(let failure): failure
        }
    }

    private func order(
        _ asked: RemediationRequest, by: String
    ) throws(ProblemReply) -> RemediationOrder {
        guard let rule = RuleName(asked.rule) else {
            throw ProblemCode.badRequest.problem("rule must be BUCKET/RULE-ID")
        }
        let priority = asked.priority ?? 10
        guard (0...Int(Int32.max)).contains(priority) else {
            throw ProblemCode.badRequest.problem("priority must be from 0 to \(Int32.max)")
        }
        if let canary = asked.canary, !(1...1_000_000).contains(canary) {
            throw ProblemCode.badRequest.problem("canary must be from 1 to 1000000 objects")
        }
        var order = RemediationOrder(
            rule: rule, selection: try selection(of: asked.filter ?? FailureFilter()),
            priority: priority, plannedAt: asked.plannedAt, expectedObjects: asked.expectedObjects,
            by: by)
        order.canary = asked.canary
        order.confirmation = asked.confirmation ?? false
        order.selection.objects = try asked.objects.map(objects)
        return order
    }

    private func objects(
        _ listed: [RemediationRequest.Object]
    ) throws(ProblemReply) -> [ObjectVersion] {
        var objects: [ObjectVersion] = []
        for one in listed {
            guard let key = ObjectKey(encoded: one.keyEncoded) else {
                throw ProblemCode.badRequest.problem(
                    "objects: keyEncoded \(one.keyEncoded.prefix(100)) has a broken escape")
            }
            objects.append(ObjectVersion(key: key, versionID: one.versionId))
        }
        guard !objects.isEmpty else {
            throw ProblemCode.badRequest.problem("objects must list one object at least")
        }
        return objects
    }
}

/// What a stream of one remediation says next.
private actor RemediationFeed {
    private let id: String
    private let store: any FailureStoring
    private let clock: any ClockReading
    private var last: [UInt8] = []
    private var isOver = false

    init(id: String, store: any FailureStoring, clock: any ClockReading) {
        self.id = id
        self.store = store
        self.clock = clock
    }

    func next() async -> [UInt8]? {
        while !isOver, !Task.isCancelled {
            // A store that does not answer at present does a moment later.
            if let found = try? await store.remediation(id) {
                let line = encodedJSON(RemediationItem(found.run, found.tally))
                isOver = found.run.state.isTerminal
                if line != last {
                    last = line
                    return line
                }
            }
            guard !isOver, (try? await clock.sleep(for: .milliseconds(500))) != nil else { break }
        }
        return nil
    }
}
