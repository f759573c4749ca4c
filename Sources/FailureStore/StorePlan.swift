internal import Domain
internal import GRDB

extension StoreReader {
    /// What a remediation with this selection would take: from counters where it names only the rule, else by pages,
    /// each a snapshot of its own, so that a store that is written to meanwhile is not held up.
    func plan(_ selection: FailureSelection) async throws(StoreFailure) -> SelectionPlan {
        guard let rule = selection.rule, [nil, .open].contains(selection.state) else {
            return SelectionPlan()
        }
        var wanted = selection
        wanted.state = .open
        var bare = FailureSelection()
        bare.rule = rule
        bare.state = .open
        var plan = SelectionPlan()
        if wanted == bare {
            plan.add(try read { db in try counted(rule, in: db) })
        } else {
            plan.add(try await groups(of: wanted))
        }
        plan.otherRules = try read { db in try otherRules(than: rule, in: db) }
        return plan
    }

    private func otherRules(than rule: RuleName, in db: Database) throws -> [RuleName] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT DISTINCT u.bucket, u.rule_id FROM rule u JOIN counter c ON c.rule = u.id
                WHERE u.bucket = ? AND u.rule_id <> ? AND c.state = 0 AND c.count > 0
                ORDER BY u.rule_id
                """, arguments: [rule.sourceBucket, rule.ruleID]
        ).map { RuleName(sourceBucket: $0[0], ruleID: $0[1]) }
    }

    private func counted(_ rule: RuleName, in db: Database) throws -> [PlanGroup] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT r.code, d.name, c.count, c.bytes FROM counter c
                JOIN reason r ON r.id = c.reason JOIN destination d ON d.id = c.destination
                WHERE c.rule = ? AND c.state = 0 AND c.count > 0
                """, arguments: [try NameTable.findRule(rule, in: db) ?? -1]
        ).map { PlanGroup(reason: $0[0], destination: $0[1], objects: $0[2], bytes: $0[3]) }
    }

    private func groups(of selection: FailureSelection) async throws(StoreFailure) -> [PlanGroup] {
        struct Key: Hashable {
            let destination: Int64
            let reason: Int64
        }
        var groups: [Key: PlanGroup] = [:]
        var query = FailureQuery(selection: selection)
        repeat {
            query.cursor = try read { db in
                try Self.walk(query, options, in: db) { row in
                    let key = Key(destination: row[1], reason: row[5])
                    var group =
                        groups[key]
                        ?? PlanGroup(reason: row[20], destination: row[23], objects: 0, bytes: 0)
                    group.objects += 1
                    group.bytes = saturatingSum(group.bytes, row[6] ?? 0)
                    groups[key] = group
                    return false
                }
            }
            await Task.yield()
        } while query.cursor != nil
        return Array(groups.values)
    }
}

private struct PlanGroup {
    var reason: String
    var destination: String
    var objects: Int64
    var bytes: Int64
}

extension SelectionPlan {
    /// Most objects first.
    fileprivate mutating func add(_ groups: [PlanGroup]) {
        let sorted = groups.sorted { left, right in
            if left.objects != right.objects { return left.objects > right.objects }
            let reasons = (ExactText(left.reason), ExactText(right.reason))
            return reasons.0 == reasons.1
                ? ExactText(left.destination) < ExactText(right.destination)
                : reasons.0 < reasons.1
        }
        for group in sorted {
            objects += group.objects
            bytes = saturatingSum(bytes, group.bytes)
            reasons.append(
                RuleOverview.Reason(
                    reason: group.reason, destinationBucket: group.destination,
                    open: group.objects))
        }
    }
}
