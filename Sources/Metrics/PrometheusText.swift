// The text exposition format 0.0.4 of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/): per family a HELP and a TYPE line, then its samples.

/// One metric with all its samples, as a scrape shows it.
package struct MetricFamily: Sendable, Equatable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package struct Sample: Sendable, Equatable {
        /// What follows the family's name: `_bucket`, `_sum`, `_count`; empty for counters and gauges.
        package var suffix: String
        package var labels: [(name: String, value: String)]
        package var value: Double

        package static func == (left: Sample, right: Sample) -> Bool {
            left.suffix == right.suffix && left.value == right.value
                && left.labels.elementsEqual(right.labels) { $0 == $1 }
        }
    }

    /// In base units; counters end in `_total`.
    package let name: String
    package let kind: Kind
    /// One sentence.
    package let help: String
    package private(set) var samples: [Sample] = []

    package init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    /// A family with one sample; none when the value is not known.
    package init(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
        self.init(name, kind, help)
        add(value)
    }

    /// A histogram.
    package init(_ name: String, _ help: String, _ snapshot: HistogramSnapshot) {
        self.init(name, .histogram, help)
        for (bound, count) in snapshot.cumulative {
            samples.append(
                Sample(suffix: "_bucket", labels: [("le", number(bound))], value: Double(count)))
        }
        samples.append(Sample(suffix: "_sum", labels: [], value: snapshot.sum))
        samples.append(Sample(suffix: "_count", labels: [], value: Double(snapshot.count)))
    }

    /// No sample when the value is not known.
    package mutating func add(_ value: Double?, _ labels: KeyValuePairs<String, String> = [:]) {
        guard let value else { return }
        samples.append(Sample(suffix: "", labels: labels.map { ($0.key, $0.value) }, value: value))
    }
}

/// A scrape's answer; families without samples are left out.
package func prometheusText(_ families: [MetricFamily]) -> String {
    var text = ""
    for family in families where !family.samples.isEmpty {
        text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
        text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
        for sample in family.samples {
            let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
            text += family.name + sample.suffix
            if !labels.isEmpty { text += "{" + labels.joined(separator: ",") + "}" }
            text += " \(number(sample.value))\n"
        }
    }
    return text
}

private func number(_ value: Double) -> String {
    if value == .infinity { return "+Inf" }
    if let whole = Int64(exactly: value) { return String(whole) }
    return String(value)
}

/// Backslash and line feed, in label values the quotation mark too. By scalars: as a Character, a quotation mark with
/// a combining mark is none.
private func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": escaped.append(contentsOf: "\\\\".unicodeScalars)
        case "\n": escaped.append(contentsOf: "\\n".unicodeScalars)
        case "\"" where quotes: escaped.append(contentsOf: "\\\"".unicodeScalars)
        default: escaped.append(scalar)
        }
    }
    return String(escaped)
}
