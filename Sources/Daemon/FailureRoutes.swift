internal import ControlAPI
internal import ControlServer
internal import Domain
internal import FailureStore
internal import Logging
internal import SystemIO

/// What operators ask of many failures at once.
extension ControlRoutes {
    func histogram(_ reader: RequestReader) async throws -> ControlReply {
        let filter = try selection(of: reader.filter())
        let until = filter.until ?? now.advanced(byMilliseconds: 1)
        let day: Int64 = 86_400_000
        let dimension = try reader.dimension()
        let bucketSeconds = try reader.bucketSeconds()
        var query: HistogramQuery
        do throws(HistogramRefusal) {
            query = try HistogramQuery(
                by: dimension, bucketSeconds: bucketSeconds,
                since: filter.since ?? until.advanced(byMilliseconds: -day), until: until)
        } catch { throw ProblemCode.badRequest.problem(error.sentence) }
        query.rule = filter.rule
        query.bucket = filter.bucket
        query.destination = filter.destination
        query.reason = filter.reason
        query.reasonClass = filter.reasonClass
        return .json(HistogramReply(try await store.histogram(query)))
    }

    func decide(
        _ kind: OperatorDecision.Kind, _ reader: RequestReader
    ) async throws -> ControlReply {
        try reader.checkMembers(DecisionRequest.members)
        let asked = try reader.body(DecisionRequest.self)
        guard asked.filter.rule != nil || asked.filter.bucket != nil else {
            throw ProblemCode.badRequest.problem("filter must name a rule or a bucket at least")
        }
        let longest = DecisionDesk.maximumNoteBytes
        guard asked.note?.utf8.count ?? 0 <= longest else {
            throw ProblemCode.badRequest.problem("note must have at most \(longest) bytes")
        }
        let selection = try selection(of: asked.filter)
        let by = "uid \(reader.request.peer.uid)"
        do throws(DecisionRefusal) {
            let outcome = try await DecisionDesk(store: store).decide(
                OperatorDecision(kind, note: asked.note, by: by, at: now),
                selection, isDryRun: asked.dryRun ?? false,
                expectedCount: asked.expectedCount)
            logger.notice(
                "failures decided on",
                metadata: [
                    "decision": "\(kind.rawValue)", "by": "\(by)",
                    "request": "\(reader.request.id)", "matched": "\(outcome.failures)",
                    "changed": "\(outcome.changed)",
                ])
            return .json(DecisionReply(outcome))
        } catch {
            switch error {
            case .countChanged(let text): throw ProblemCode.countChanged.problem(text)
            case .nothingToDo(let text): throw ProblemCode.nothingToDo.problem(text)
            case .refused(let text): throw ProblemCode.tooManyFailures.problem(text)
            case .store(let failure): throw failure
            }
        }
    }

    private var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }
}

extension RequestReader {
    fileprivate func dimension() throws(ProblemReply) -> HistogramQuery.Dimension {
        guard let text = query("by") else { return .reason }
        guard let dimension = HistogramQuery.Dimension(rawValue: text) else {
            throw ProblemCode.badRequest.problem(
                "by=\(text.prefix(60)) must be one of rule, reason, destination")
        }
        return dimension
    }

    /// Default: an hour.
    fileprivate func bucketSeconds() throws(ProblemReply) -> Int64 {
        guard let text = query("bucketSeconds") else { return 3600 }
        guard let seconds = Int64(text) else {
            throw ProblemCode.badRequest.problem(
                "bucketSeconds=\(text.prefix(60)) must be a whole number")
        }
        return seconds
    }
}

extension HistogramReply {
    init(_ histogram: Histogram) {
        self.init(
            from: histogram.from, bucketSeconds: histogram.bucketSeconds,
            series: histogram.series.map { Series(label: $0.label, counts: $0.counts) },
            others: histogram.others.map { Others(series: $0.series, counts: $0.counts) })
    }
}

extension DecisionReply {
    init(_ outcome: DecisionOutcome) {
        self.init(
            count: outcome.failures, bytes: outcome.bytes,
            leftOut: Dictionary(
                uniqueKeysWithValues: outcome.leftOut.map { ($0.key.name, $0.value) }),
            changed: outcome.changed)
    }
}
