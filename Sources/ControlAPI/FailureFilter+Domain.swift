package import Domain

/// A filter that says what it does not mean.
package struct FilterError: Error, Equatable, Sendable {
    package var code: ProblemCode
    package var sentence: String
}

extension FailureFilter {
    /// The names of the query's filters.
    package static let names: [String] = [
        "rule", "bucket", "destination", "state", "reason", "reasonClass", "operation", "prefix",
        "keyEncoded", "version", "since", "until", "firstSince",
    ]

    /// Sets the filter of that name; false when there is none.
    package mutating func set(_ name: String, to value: String) throws(FilterError) -> Bool {
        switch name {
        case "rule": rule = value
        case "bucket": bucket = value
        case "destination": destination = value
        case "state": state = value
        case "reason": reason = value
        case "reasonClass": reasonClass = value
        case "operation": operation = value
        case "prefix": prefix = value
        case "keyEncoded": keyEncoded = value
        case "version": version = value
        case "since": since = try time(name, value)
        case "until": until = try time(name, value)
        case "firstSince": firstSince = try time(name, value)
        default: return false
        }
        return true
    }

    private func time(_ name: String, _ value: String) throws(FilterError) -> Timestamp {
        guard let time = Timestamp(rfc3339: value) else {
            throw refusal(name, value, "an RFC 3339 time such as 2026-11-24T06:00:00Z")
        }
        return time
    }

    private func refusal(_ name: String, _ value: String, _ wanted: String) -> FilterError {
        FilterError(
            code: .badRequest,
            sentence: "\(name)=\(value.prefix(100)) is not a value of this filter: give \(wanted)")
    }

    /// The typed form.
    package func selection() throws(FilterError) -> FailureSelection {
        var selection = FailureSelection()
        if let rule {
            guard let name = RuleName(rule) else {
                throw refusal("rule", rule, "BUCKET/RULE-ID")
            }
            selection.rule = name
        }
        if let state {
            let names = FailureState.allCases.map(\.name).joined(separator: ", ")
            guard let parsed = FailureState(name: state) else {
                throw refusal("state", state, "one of \(names)")
            }
            selection.state = parsed
        }
        if let reasonClass {
            let names = ReasonClass.allCases.map(\.rawValue).joined(separator: ", ")
            guard let parsed = ReasonClass(rawValue: reasonClass) else {
                throw refusal("reasonClass", reasonClass, "one of \(names)")
            }
            selection.reasonClass = parsed
        }
        if let keyEncoded {
            guard let key = ObjectKey(encoded: keyEncoded) else {
                throw refusal("keyEncoded", keyEncoded, "a percent-encoded key, such as a%20b")
            }
            selection.key = key
        }
        selection.bucket = bucket
        selection.destination = destination
        selection.reason = reason
        selection.operation = operation
        selection.prefix = prefix.map { ObjectKey($0) }
        selection.version = version
        selection.since = since
        selection.until = until
        selection.firstSince = firstSince
        return selection
    }

    /// The wire form of a selection.
    package init(_ selection: FailureSelection) {
        rule = selection.rule?.description
        bucket = selection.bucket
        destination = selection.destination
        state = selection.state?.name
        reason = selection.reason
        reasonClass = selection.reasonClass?.rawValue
        operation = selection.operation
        prefix = selection.prefix?.text
        keyEncoded = selection.key?.encoded
        version = selection.version
        since = selection.since
        until = selection.until
        firstSince = selection.firstSince
    }
}
