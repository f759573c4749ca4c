internal import ControlAPI
internal import ControlServer
internal import Domain
internal import FailureStore
internal import Intake
internal import Logging
internal import Remediation
internal import SystemIO

/// The routes of the control channel: each reads its request, asks one part, and writes what it says.
struct ControlRoutes: Sendable {
    let store: any FailureStoring
    let status: StatusAssembler
    /// Nil without `batch` in the configuration.
    let desk: RemediationDesk?
    let intake: IntakeRoutes
    let quarantineDesk: QuarantineDesk
    let repeated: RepeatedRequests
    let reloader: Reloader
    let roles: Roles
    let clock: any ClockReading
    let logger: Logger

    /// One route for each of the interface's; a route without a handler does not start.
    func routes() -> [ControlRoute] {
        interfaceRoutes.map { route in
            guard let handler = handlers["\(route.method) \(route.path)"] else {
                preconditionFailure("no handler for \(route.method) \(route.path)")
            }
            return ControlRoute(route.method, route.path) { request in
                await answer(request, route, handler)
            }
        }
    }

    private typealias Handler = @Sendable (RequestReader) async throws -> ControlReply

    private var handlers: [String: Handler] {
        [
            "GET /v1/status": { _ in .json(await status.reply()) },
            "GET /v1/health": { _ in health() },
            "GET /v1/rules": { try await rules($0) },
            "GET /v1/rules/{bucket}/{ruleId}": { try await rule($0) },
            "GET /v1/failures": { try await failures($0) },
            "GET /v1/failures/histogram": { try await histogram($0) },
            "POST /v1/failures/dismiss": { try await decide(.dismiss, $0) },
            "POST /v1/failures/reopen": { try await decide(.reopen, $0) },
            "POST /v1/failures/verify": { try await verifyFailures($0) },
            "GET /v1/failures/timeline": { try await timeline($0) },
            "GET /v1/quarantine": { try await quarantine($0) },
            "GET /v1/quarantine/{id}": { try await quarantined($0) },
            "POST /v1/quarantine/{id}/replay": { try await replay($0) },
            "POST /v1/quarantine/{id}/drop": { try await drop($0) },
            "GET /v1/remediations": { try await remediations($0) },
            "POST /v1/remediations": { try await remediate($0) },
            "GET /v1/remediations/{id}": { try await remediation($0) },
            "GET /v1/remediations/{id}/events": { try await remediationEvents($0) },
            "POST /v1/remediations/{id}/cancel": { try await cancelRemediation($0) },
            "POST /v1/remediations/{id}/confirm": { try await confirmRemediation($0) },
            "GET /v1/reasons": { try reasons($0) },
            "POST /v1/intake/pause": { try await intake.pause($0) },
            "POST /v1/intake/resume": { _ in try await intake.resume() },
            "POST /v1/reload": { _ in try await reload() },
            "GET /metrics": { _ in
                .metrics(await MetricsAssembler(status: status).text())
            },
            "GET /openapi.json": { _ in .json(openAPIDocument(version: programVersion)) },
        ]
    }

    private func answer(
        _ request: ControlRequest, _ route: InterfaceRoute, _ handler: Handler
    ) async -> ControlReply {
        do {
            var reader = RequestReader(request: request)
            if route.isChange { try checkRole(request) }
            try reader.checkQuery(route.query)
            guard route.isChange,
                let keyed = try reader.keyed(
                    at: Timestamp(milliseconds: clock.wallMilliseconds()))
            else { return try await handler(reader) }
            reader.keyedRequest = keyed
            return try await repeated.once(keyed, remediation: remediation(startedAs:)) {
                [reader] in
                do { return try await handler(reader) } catch { return .problem(problem(error)) }
            }
        } catch {
            return .problem(problem(error))
        }
    }

    private func checkRole(_ request: ControlRequest) throws(ProblemReply) {
        let peer = request.peer
        let isAllowed = roles.mayChange(peer)
        logger.notice(
            "change asked for",
            metadata: [
                "uid": "\(peer.uid)", "pid": "\(peer.pid)", "request": "\(request.id)",
                "route": "\(request.method) \(request.path)", "allowed": "\(isAllowed)",
            ])
        guard isAllowed else {
            throw ProblemCode.notPermitted.problem(
                "uid \(peer.uid) may read, but not change: ask as root, as the daemon's user, or as "
                    + "a member of control.operatorGroup")
        }
    }

    private func health() -> ControlReply {
        let failing = status.failingParts()
        let word = failing.isEmpty ? status.stopping.isSet ? "stopping" : "ok" : "failing"
        return .json(
            HealthReply(status: word, failing: failing), status: word == "ok" ? 200 : 503)
    }

    private func rules(_ reader: RequestReader) async throws -> ControlReply {
        let limit = try reader.limit()
        let after = try reader.ruleCursor()
        let all = try await status.rules()
        let rest = after.map { last in all.filter { $0.rule > last } } ?? all
        let items = rest.prefix(limit)
        let next = rest.count > limit ? items.last.map { cursor($0.rule.description) } : nil
        return .json(Page(items: items.map { RuleItem($0) }, nextCursor: next))
    }

    private func rule(_ reader: RequestReader) async throws -> ControlReply {
        let parameters = reader.request.parameters
        let name = RuleName(
            sourceBucket: parameters["bucket"] ?? "", ruleID: parameters["ruleId"] ?? "")
        let stored = try await store.rules(name)
        guard let found = status.configured.adding(to: stored).first(where: { $0.rule == name })
        else {
            throw ProblemCode.noSuchRule.problem(
                "no failure of rule \(name) was ever seen, and no configured bucket has it")
        }
        return .json(RuleItem(found))
    }

    private func failures(_ reader: RequestReader) async throws -> ControlReply {
        let order = try reader.order()
        let selection = try selection(of: reader.filter())
        guard order == .key || (selection.rule != nil && selection.state == .open) else {
            throw ProblemCode.badRequest.problem(
                "order=\(order.rawValue) needs one rule and state=open")
        }
        let page = try await store.page(
            FailureQuery(
                selection: selection, order: order, limit: try reader.limit(),
                cursor: reader.query("cursor")))
        return .json(
            Page(
                items: page.failures.map { FailureItem($0.identity, $0.failure) },
                nextCursor: page.nextCursor))
    }

    private func timeline(_ reader: RequestReader) async throws -> ControlReply {
        guard let bucket = reader.query("bucket"), let encoded = reader.query("keyEncoded"),
            let key = ObjectKey(encoded: encoded)
        else {
            throw ProblemCode.badRequest.problem("give bucket, keyEncoded and version")
        }
        let page = try await store.timeline(
            bucket: bucket, key: key, version: reader.query("version") ?? "null",
            after: try reader.numberCursor(), limit: try reader.limit())
        return .json(
            Page(
                items: page.entries.map { TimelineItem($0) },
                nextCursor: page.nextPosition.map { cursor("\($0)") }))
    }
}
