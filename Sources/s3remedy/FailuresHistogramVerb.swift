internal import ArgumentParser
internal import ControlAPI
internal import Domain

/// `--by`.
enum HistogramDimension: String, CaseIterable, ExpressibleByArgument, Sendable {
    case rule, reason, destination
}

/// The length of a bucket: `1h`, `6h`, `1d`; the daemon counts by the hour.
struct BucketLength: ExpressibleByArgument, Sendable {
    let seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    init?(argument: String) {
        let units: [Character: Int64] = ["h": 3600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[$0] }),
            let count = Int64(argument.dropLast()), (1...8784).contains(count)
        else { return nil }
        seconds = count * unit
    }

    /// The least of these lengths that cuts a span into at most 48: one mark each.
    static func fitting(milliseconds: Int64) -> BucketLength {
        let hours: [Int64] = [1, 2, 3, 6, 12, 24, 48, 168, 336, 720]
        let fits = hours.first { milliseconds / 3_600_000 / $0 <= 48 }
        return BucketLength(seconds: (fits ?? 8784) * 3600)
    }
}

struct FailuresHistogramVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "histogram",
        abstract: "Shows when failures happened, by reason, rule or destination.",
        discussion: """
            A failure counts once, at its newest failure event and under that event's reason, whatever its \
            state now. Buckets begin at whole hours or days in UTC; the first and the last are counted in full.

            Examples: s3remedy failures histogram --since 7d
                      s3remedy failures histogram --rule orders/replicate-all --by destination --bucket-length 1h

            Exit codes: 7 when nothing failed in that time.
            """)

    @Option(help: "What makes a line.")
    var by = HistogramDimension.reason

    @Option(help: "From it on: RFC 3339, a UTC date, or an age such as 90m, 24h, 7d.")
    var since = Moment(argument: "24h")!

    @Option(help: "Up to it; as --since (else now).")
    var until: Moment?

    @Option(help: "The time of one count, such as 1h or 1d (else what makes 48 or fewer).")
    var bucketLength: BucketLength?

    @Option(help: ArgumentHelp("Only this rule, as BUCKET/RULE-ID.", valueName: "rule"))
    var rule: RuleName?

    @Option(help: "Only this source bucket.")
    var bucket: String?

    @Option(help: "Only failures to this destination bucket.")
    var destination: String?

    @Option(help: "Only this failureReason.")
    var reason: String?

    @Option(help: "Only reasons of this class.")
    var reasonClass: ReasonClass?

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        let reply: HistogramReply = try await session.client.get(
            "/v1/failures/histogram", query(at: session.now))
        guard !reply.series.isEmpty else {
            throw .nothingToDo(
                "nothing failed in that time. See s3remedy failures list --state all")
        }
        switch session.format {
        case .table, .json: try session.show(reply) { lines(of: $0, session) }
        case .ndjson, .csv:
            var writer = ItemWriter<HistogramCell>(output: session.output, format: session.format)
            try writer.write(reply.cells)
            try writer.end()
        }
        return .ok
    }

    private func query(at now: Timestamp) -> [(name: String, value: String)] {
        var filter = FailureFilter()
        filter.since = since.timestamp(at: now)
        filter.until = until?.timestamp(at: now)
        filter.rule = rule?.text
        filter.bucket = bucket
        filter.destination = destination
        filter.reason = reason
        filter.reasonClass = reasonClass?.rawValue
        let span = (filter.until ?? now).milliseconds - since.timestamp(at: now).milliseconds
        let length = bucketLength ?? .fitting(milliseconds: span)
        return filter.query + [
            (name: "by", value: by.rawValue), (name: "bucketSeconds", value: "\(length.seconds)"),
        ]
    }

    private func lines(of reply: HistogramReply, _ session: Session) -> [String] {
        var table = TextTable(columns: [
            .init(title: by.rawValue.uppercased(), minimum: 12),
            .init(title: "FAILED", isNumber: true), .init(title: "MOST", isNumber: true),
            .init(title: "WHEN"),
        ])
        let buckets = reply.series.first?.counts.count ?? 0
        // At most 48 marks, so that a line fits 80 columns.
        let perMark = max(1, (buckets + 47) / 48)
        table.rows = reply.series.map { series in
            row(series.label.isEmpty ? "-" : shown(series.label), series.counts, perMark)
        }
        if let others = reply.others {
            table.rows.append(row("(\(grouped(others.series)) others)", others.counts, perMark))
        }
        let markMilliseconds = reply.bucketSeconds &* 1000 &* Int64(perMark)
        let next =
            by == .rule
            ? "s3remedy failures histogram --by reason"
            : "s3remedy failures list --state all"
                + (rule.map { " --rule " + shellWord($0.text) } ?? "")
        return session.output.lines(of: table) + [
            "", "From \(reply.from) on; a mark is \(span(milliseconds: markMilliseconds)).",
        ] + session.output.next(next)
    }

    private func row(_ label: String, _ counts: [Int64], _ perMark: Int) -> [String] {
        let marks = stride(from: 0, to: counts.count, by: perMark).map { start in
            counts[start..<min(start + perMark, counts.count)].reduce(0, &+)
        }
        return [
            label, grouped(counts.reduce(0, &+)), grouped(counts.max() ?? 0), sparkline(marks),
        ]
    }
}

/// Counts as marks from ▁ to █, the greatest being █; `·` is none.
func sparkline(_ counts: [Int64]) -> String {
    let marks = Array("▁▂▃▄▅▆▇█")
    let greatest = Double(counts.max() ?? 0)
    return String(
        counts.map { count in
            guard count > 0 else { return "·" }
            let height = (Double(count) / greatest * Double(marks.count)).rounded(.up)
            return marks[min(marks.count, max(1, Int(height))) - 1]
        })
}

/// One count, for formats of rows.
struct HistogramCell: ControlItem {
    static let csvColumns = ["at", "label", "count"]

    var at: Timestamp
    var label: String
    var count: Int64
}

extension HistogramReply {
    fileprivate var cells: [HistogramCell] {
        let all =
            series.map { ($0.label, $0.counts) } + (others.map { [("(others)", $0.counts)] } ?? [])
        return all.flatMap { label, counts in
            counts.enumerated().map { number, count in
                let offset = Int64(number).multipliedReportingOverflow(by: bucketSeconds &* 1000)
                return HistogramCell(
                    at: from.advanced(byMilliseconds: offset.partialValue), label: label,
                    count: count)
            }
        }
    }
}
