internal import ControlAPI
internal import Domain
internal import FailureStore
internal import Remediation

extension RuleItem {
    init(_ rule: RuleOverview) {
        var counts = Counts()
        counts.open = rule.counts[.open] ?? 0
        counts.submitted = rule.counts[.submitted] ?? 0
        counts.verifying = rule.counts[.verifying] ?? 0
        counts.replicated = rule.counts[.replicated] ?? 0
        counts.parked = rule.counts[.parked] ?? 0
        counts.gone = rule.counts[.gone] ?? 0
        counts.dismissed = rule.counts[.dismissed] ?? 0
        self.init(
            sourceBucket: rule.rule.sourceBucket, ruleId: rule.rule.ruleID, region: rule.region,
            counts: counts, openBytes: rule.openBytes, oldestOpenAt: rule.oldestOpenAt,
            newestFailedAt: rule.newestFailedAt,
            reasons: rule.reasons.map { reason in
                Reason(
                    reason: reason.reason, reasonClass: reasonClass(of: reason.reason).rawValue,
                    destinationBucket: reason.destinationBucket, open: reason.open)
            },
            lag: Lag(
                missedThreshold: rule.missedThreshold, notTracked: rule.notTracked,
                oldestMissedAt: rule.oldestMissedAt))
    }
}

extension QuarantinedItem {
    init(_ entry: QuarantineEntry) {
        self.init(
            id: entry.id, receivedAt: entry.message.receivedAt, messageId: entry.message.messageID,
            queue: entry.message.queueURL, problem: entry.message.problem,
            offset: entry.message.offset,
            bodyEncoded: percentEncoded(entry.message.body, keeping: .slash))
    }
}

extension TimelineItem {
    init(_ entry: TimelineEntry) {
        self.init(
            at: entry.at, what: entry.what, reason: entry.reason,
            remediationId: entry.remediationID, jobId: entry.jobID,
            evidence: entry.evidence?.name, by: entry.by, note: entry.note)
    }
}

extension PlanReply {
    init(_ rule: RuleName, _ plan: RemediationPlan, hasCanary: Bool) {
        self.init(
            sourceBucket: rule.sourceBucket, ruleId: rule.ruleID, region: plan.region,
            objects: plan.selection.objects, bytes: plan.selection.bytes,
            estimatedCost: RemediationItem.Cost(
                objects: plan.selection.objects, hasCanary: hasCanary),
            reasons: plan.selection.reasons.map { reason in
                Reason(
                    reason: reason.reason, reasonClass: reasonClass(of: reason.reason).rawValue,
                    destinationBucket: reason.destinationBucket, objects: reason.open)
            },
            otherRules: plan.selection.otherRules.map(\.description), warnings: plan.warnings,
            plannedAt: plan.at)
        precheck = Precheck(
            looked: plan.precheck.looked, replicated: plan.precheck.replicated,
            gone: plan.precheck.gone, parked: plan.precheck.parked)
    }
}
