internal import AWSClient
package import AWSProtocol
package import Domain

/// What the configuration of a source bucket says; what could not be asked is nil, and told.
package struct BucketLook: Sendable {
    package var bucket: String
    package var rules: [ReplicationRule]?
    /// `Enabled`, `Suspended` or `never enabled`.
    package var versioning: String?
    /// Enabled ones.
    package var lifecycleRules: Int?
    /// What could not be asked, and why.
    package var troubles: [String] = []

    package init(bucket: String) {
        self.bucket = bucket
    }

    mutating func ask(
        _ operation: String, _ permission: String,
        _ question: (inout BucketLook) async throws(AWSFailure) -> Void
    ) async {
        do {
            try await question(&self)
        } catch {
            troubles.append(
                "\(operation) of \(bucket) was not answered (\(error)): allow \(permission) to have it "
                    + "looked at")
        }
    }

    package var destinations: Set<String>? {
        rules.map { Set($0.filter(\.isEnabled).map(\.destinationBucket)) }
    }

    /// Why a job could not repair failures of a rule at these destinations: no enabled rule goes there any more.
    package func refusal(of rule: RuleName, to wanted: Set<String>) -> String? {
        guard let rules, let destinations else { return nil }
        let missing = wanted.subtracting(destinations).sorted()
        guard let first = missing.first else { return nil }
        let replacement =
            rules.first { $0.isEnabled && ExactText($0.id) == ExactText(rule.ruleID) }
            ?? rules.first(where: \.isEnabled)
        let now =
            if let replacement {
                "rule \(replacement.id) replicates to \(replacement.destinationBucket) now"
            } else if rules.isEmpty {
                "the bucket has no replication configuration"
            } else {
                "all its rules are disabled"
            }
        let others = missing.count > 1 ? " (nor to \(missing.count - 1) others)" : ""
        return
            "no enabled rule of \(bucket) replicates to \(first) any more\(others): \(now). Enable a rule to "
            + "\(first), or dismiss these failures (s3remedy failures dismiss --destination \(first))"
    }

    /// What an operator should know before a job runs.
    package func warnings(for rule: RuleName) -> [String] {
        var warnings = troubles
        if let rules {
            let own = rules.first { ExactText($0.id) == ExactText(rule.ruleID) }
            if own?.isEnabled != true {
                warnings.append(
                    "rule \(rule.ruleID) is \(own == nil ? "gone" : "disabled"): the bucket's other rules to "
                        + "the same destination will replicate these objects")
            }
            let others = rules.filter { $0.isEnabled && ExactText($0.id) != ExactText(rule.ruleID) }
            if !others.isEmpty {
                warnings.append(
                    "a job runs every rule that matches an object: \(others.map(\.id).joined(separator: ", ")) "
                        + "will run too where they match")
            }
        }
        if let versioning, versioning != "Enabled" {
            warnings.append(
                "versioning of \(bucket) is \(versioning): S3 replicates only where it is Enabled")
        }
        if let lifecycleRules, lifecycleRules > 0 {
            warnings.append(
                "\(bucket) has \(lifecycleRules) enabled lifecycle rules: AWS advises to suspend them while the "
                    + "job runs; what they hold back on failed objects goes on after the repair")
        }
        return warnings
    }
}
