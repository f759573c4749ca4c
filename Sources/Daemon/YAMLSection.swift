internal import Yams

/// One mapping of the configuration file, read strictly: keys that are not known are refused with the nearest that
/// is, values that do not fit with the form that would.
struct YAMLSection {
    /// Such as `batch.manifest`; empty for the whole file.
    let path: String
    let file: String
    let line: Int?
    private var values: [String: Node] = [:]

    init(_ node: Node, path: String, file: String, keys: [String]) throws(ConfigurationError) {
        self.path = path
        self.file = file
        line = node.mark?.line
        guard let mapping = node.mapping else {
            throw ConfigurationError(
                file: file, line: line,
                sentence: "\(path.isEmpty ? "the file" : path) must be a mapping of \(list(keys))")
        }
        for (key, value) in mapping {
            guard let name = key.string, keys.contains(name) else {
                throw unknown(key, among: keys)
            }
            values[name] = value
        }
    }

    private func unknown(_ key: Node, among keys: [String]) -> ConfigurationError {
        let name = shortened(key.string ?? "?")
        let place = path.isEmpty ? "" : " in \(path)"
        let nearest = keys.min { editDistance($0, name) < editDistance($1, name) } ?? ""
        let hint =
            editDistance(nearest, name) <= max(2, nearest.count / 3)
            ? "did you mean \(nearest)?" : "known are \(list(keys))"
        return ConfigurationError(
            file: file, line: key.mark?.line, sentence: "unknown key \(name)\(place): \(hint)")
    }

    private func name(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func refusal(_ key: String, _ node: Node, _ wanted: String) -> ConfigurationError {
        let value = node.string.map { "\"\(shortened($0))\"" } ?? "a mapping or a list"
        return ConfigurationError(
            file: file, line: node.mark?.line ?? line,
            sentence: "\(name(of: key)) is \(value), but must be \(wanted)")
    }

    func missing(_ key: String, _ wanted: String) -> ConfigurationError {
        ConfigurationError(
            file: file, line: line, sentence: "\(name(of: key)) is missing: set it to \(wanted)")
    }

    func section(_ key: String, keys: [String]) throws(ConfigurationError) -> YAMLSection? {
        guard let node = values[key] else { return nil }
        return try YAMLSection(node, path: name(of: key), file: file, keys: keys)
    }

    func sections(_ key: String, keys: [String]) throws(ConfigurationError) -> [YAMLSection]? {
        guard let node = values[key] else { return nil }
        guard let items = node.sequence else { throw refusal(key, node, "a list") }
        var sections: [YAMLSection] = []
        for (index, item) in items.enumerated() {
            sections.append(
                try YAMLSection(item, path: "\(name(of: key))[\(index)]", file: file, keys: keys))
        }
        return sections
    }

    /// A value parsed by `parse`; nil when the key is absent.
    func value<Value>(
        _ key: String, _ wanted: String, _ parse: (String) -> Value?
    ) throws(ConfigurationError) -> Value? {
        guard let node = values[key] else { return nil }
        guard let text = node.scalar?.string, let value = parse(text) else {
            throw refusal(key, node, wanted)
        }
        return value
    }

    func string(_ key: String, _ wanted: String = "a text") throws(ConfigurationError) -> String? {
        try value(key, wanted) { $0.isEmpty ? nil : $0 }
    }

    func strings(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let node = values[key] else { return nil }
        guard let items = node.sequence else { throw refusal(key, node, "a list of texts") }
        var result: [String] = []
        for item in items {
            guard let text = item.scalar?.string, !text.isEmpty else {
                throw refusal(key, item, "a list of texts")
            }
            result.append(text)
        }
        return result
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Choice.Type
    ) throws(ConfigurationError) -> Choice? where Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue)
        return try value(key, "one of \(list(names))") { Choice(rawValue: $0) }
    }

    func integer(_ key: String, _ range: ClosedRange<Int64>) throws(ConfigurationError) -> Int64? {
        try value(key, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            Int64($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Bytes, from a number with a unit such as `64MiB`.
    func size(_ key: String, atLeast least: Int64) throws(ConfigurationError) -> Int64? {
        try value(key, "a size such as 1GiB or 512MiB, \(least) bytes at least") {
            parseQuantity($0, units: sizeUnits).flatMap { $0 >= least ? $0 : nil }
        }
    }

    /// Milliseconds, from a number with a unit such as `30s`.
    func duration(
        _ key: String, atLeast least: Int64, _ wanted: String
    ) throws(ConfigurationError) -> Int64? {
        try value(key, "a duration such as 30s, 5m, 12h or 90d, \(wanted)") {
            parseQuantity($0, units: durationUnits).flatMap { $0 >= least ? $0 : nil }
        }
    }
}

private let sizeUnits: [(String, Int64)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("kB", 1000),
    ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
]

private let durationUnits: [(String, Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
]

private func parseQuantity(_ text: String, units: [(suffix: String, factor: Int64)]) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let suffix = text.dropFirst(digits.count)
    guard let number = Int64(digits), let unit = units.first(where: { $0.suffix == suffix }) else {
        return nil
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit.factor)
    return overflow ? nil : product
}

private func list(_ names: [String]) -> String {
    names.joined(separator: ", ")
}

/// At most 60 characters of a value, without control characters: it is shown in a terminal.
private func shortened(_ text: String) -> String {
    let visible = text.unicodeScalars.prefix(60).map { $0.value < 32 || $0.value == 127 ? "?" : $0 }
    return String(String.UnicodeScalarView(visible)) + (text.unicodeScalars.count > 60 ? "…" : "")
}

/// Levenshtein's distance.
private func editDistance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left.lowercased()), Array(right.lowercased().prefix(64)))
    var previous = Array(0...right.count)
    for (row, character) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            let replaced = previous[column] + (character == other ? 0 : 1)
            current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
        }
        previous = current
    }
    return previous[right.count]
}
