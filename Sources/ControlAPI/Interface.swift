/// The routes of the control channel as data: the daemon serves exactly these, and the OpenAPI document is made of
/// them.
package struct InterfaceRoute: Sendable {
    package var method: String
    /// `/v1/rules/{bucket}/{ruleId}`.
    package var path: String
    package var summary: String
    package var query: [String] = []
    package var body: String?
    /// The schema of the successful answer, and its status.
    package var answer: String
    package var status = 200
    package var contentType = "application/json"
    /// Another successful answer, with status 200.
    package var otherAnswer: String?
    /// Changes need root, the daemon's own user or the operators' group.
    package var isChange = false
}

package let interfaceRoutes: [InterfaceRoute] = [
    .init(method: "GET", path: "/v1/status", summary: "The state of every part", answer: "status"),
    .init(method: "GET", path: "/v1/health", summary: "200 when ready and live", answer: "health"),
    .init(
        method: "GET", path: "/v1/rules", summary: "Every rule with its failures by state",
        query: pageQuery, answer: "rulePage"),
    .init(
        method: "GET", path: "/v1/rules/{bucket}/{ruleId}", summary: "One rule", answer: "rule"),
    .init(
        method: "GET", path: "/v1/failures", summary: "Failures by filter, a page at a time",
        query: FailureFilter.names + ["order"] + pageQuery, answer: "failurePage"),
    .init(
        method: "GET", path: "/v1/failures/histogram",
        summary: "Failures by the hour of their newest failure event, in any state",
        query: [
            "by", "bucketSeconds", "since", "until", "rule", "bucket", "destination", "reason",
            "reasonClass",
        ], answer: "histogram"),
    .init(
        method: "POST", path: "/v1/failures/dismiss",
        summary: "Close open, verifying and parked failures by an operator's decision",
        body: "decisionRequest", answer: "decision", isChange: true),
    .init(
        method: "POST", path: "/v1/failures/reopen",
        summary: "Open closed and parked failures again", body: "decisionRequest",
        answer: "decision", isChange: true),
    .init(
        method: "POST", path: "/v1/failures/verify",
        summary:
            "Ask S3 about failures that are not closed, and close what it says is repaired or gone",
        body: "verifyRequest", answer: "verification", isChange: true),
    .init(
        method: "GET", path: "/v1/failures/timeline", summary: "The story of one object version",
        query: ["bucket", "keyEncoded", "version"] + pageQuery, answer: "timelinePage"),
    .init(
        method: "GET", path: "/v1/quarantine", summary: "Messages that could not be decoded",
        query: pageQuery, answer: "quarantinePage"),
    .init(
        method: "GET", path: "/v1/quarantine/{id}", summary: "One of them, with its body",
        answer: "quarantined"),
    .init(
        method: "POST", path: "/v1/quarantine/{id}/replay",
        summary: "Decode it again as if it came from its queue", answer: "quarantineOutcome",
        isChange: true),
    .init(
        method: "POST", path: "/v1/quarantine/{id}/drop", summary: "Let go of it",
        answer: "quarantineOutcome", isChange: true),
    .init(
        method: "GET", path: "/v1/remediations", summary: "Remediations, newest first",
        query: pageQuery, answer: "remediationPage"),
    .init(
        method: "POST", path: "/v1/remediations", summary: "Plan (dryRun) or start a remediation",
        body: "remediationRequest", answer: "remediation", status: 201,
        otherAnswer: "plan", isChange: true),
    .init(
        method: "GET", path: "/v1/remediations/{id}", summary: "One remediation",
        answer: "remediation"),
    .init(
        method: "GET", path: "/v1/remediations/{id}/events",
        summary: "It whenever it has changed, a line each, until it is over",
        answer: "remediation", contentType: "application/x-ndjson"),
    .init(
        method: "POST", path: "/v1/remediations/{id}/cancel",
        summary: "End it: cancel its job, give back what it holds", answer: "remediation",
        isChange: true),
    .init(
        method: "POST", path: "/v1/remediations/{id}/confirm",
        summary: "Let its suspended job run, or close the many versions that are gone",
        answer: "remediation", isChange: true),
    .init(
        method: "GET", path: "/v1/reasons",
        summary: "The documented failure reasons with what helps; or one code, documented or not",
        query: ["code"] + pageQuery, answer: "reasonPage"),
    .init(
        method: "POST", path: "/v1/intake/pause", summary: "Receive nothing for a while",
        body: "pauseRequest", answer: "intake", isChange: true),
    .init(
        method: "POST", path: "/v1/intake/resume", summary: "End a pause", answer: "intake",
        isChange: true),
    .init(
        method: "POST", path: "/v1/reload",
        summary: "Read the configuration file anew; what needs a restart is named",
        answer: "reload", isChange: true),
    .init(
        method: "GET", path: "/metrics", summary: "Prometheus's text format 0.0.4", answer: "text"),
    .init(method: "GET", path: "/openapi.json", summary: "This document", answer: "openapi"),
]

private let pageQuery = ["limit", "cursor"]
