internal import Domain
internal import Foundation
internal import GRDB

/// A selection as SQL over `failure f`, `rule u`, `destination d`, `reason r`: a condition and its arguments.
struct SelectionSQL {
    private(set) var condition = "1"
    private(set) var arguments = StatementArguments()

    /// CROSS JOIN keeps SQLite from starting anywhere else than at `failure`, whose order the pages need.
    static let tables = """
        failure f CROSS JOIN rule u ON u.id = f.rule
        CROSS JOIN destination d ON d.id = f.destination CROSS JOIN reason r ON r.id = f.reason
        """

    init(_ selection: FailureSelection) {
        add("u.bucket = ?", selection.rule?.sourceBucket)
        add("u.rule_id = ?", selection.rule?.ruleID)
        add("u.bucket = ?", selection.bucket)
        add("d.name = ?", selection.destination)
        add("f.state = ?", selection.state?.rawValue)
        add("r.code = ?", selection.reason)
        add("r.class = ?", selection.reasonClass?.rawValue)
        add("f.operation = ?", selection.operation)
        add("f.key = ?", selection.key.map { Data($0.bytes) })
        add("f.version = ?", selection.version)
        add("f.last_failed_at >= ?", selection.since?.milliseconds)
        add("f.last_failed_at < ?", selection.until?.milliseconds)
        add("f.first_failed_at >= ?", selection.firstSince?.milliseconds)
        add("f.first_failed_at <= ?", selection.firstUntil?.milliseconds)
        if let prefix = selection.prefix {
            add("substr(f.key, 1, \(prefix.bytes.count)) = ?", Data(prefix.bytes))
        }
    }

    private mutating func add(_ clause: String, _ value: (some DatabaseValueConvertible)?) {
        guard let value else { return }
        condition += " AND " + clause
        arguments += [value]
    }
}
