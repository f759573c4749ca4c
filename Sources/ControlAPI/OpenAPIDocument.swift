/// A JSON value, for the one document whose shape no type describes.
package enum JSONValue: Encodable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral
{
    case text(String)
    case flag(Bool)
    case list([JSONValue])
    case object([String: JSONValue])

    package init(stringLiteral value: String) { self = .text(value) }
    package init(booleanLiteral value: Bool) { self = .flag(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { first, _ in first })
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .flag(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// The control channel's interface as OpenAPI 3.1, served at `/openapi.json`.
package func openAPIDocument(version: String) -> JSONValue {
    var paths: [String: [String: JSONValue]] = [:]
    for route in interfaceRoutes {
        paths[route.path, default: [:]][route.method.lowercased()] = operation(route)
    }
    return [
        "openapi": "3.1.0",
        "info": ["title": "s3remedy control channel", "version": .text(version)],
        "paths": .object(paths.mapValues { .object($0) }),
        "components": ["schemas": .object(schemas)],
    ]
}

private func operation(_ route: InterfaceRoute) -> JSONValue {
    let inPath = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
        parameter(String(segment.dropFirst().dropLast()), in: "path", isRequired: true)
    }
    let inQuery = route.query.map { parameter($0, in: "query", isRequired: false) }
    var responses: [String: JSONValue] = [
        "\(route.status)": response(
            "Done", route.answer == "text" ? "text/plain" : "application/json", route.answer),
        "default": response("A problem", "application/problem+json", "problem"),
    ]
    if let other = route.otherAnswer {
        responses["200"] = response("Nothing was changed", "application/json", other)
    }
    var operation: [String: JSONValue] = [
        "summary": .text(route.summary),
        "parameters": .list(inPath + inQuery),
        "responses": .object(responses),
    ]
    if let body = route.body {
        operation["requestBody"] = [
            "required": true, "content": ["application/json": ["schema": reference(body)]],
        ]
    }
    return .object(operation)
}

private func parameter(_ name: String, in place: String, isRequired: Bool) -> JSONValue {
    [
        "name": .text(name), "in": .text(place), "required": .flag(isRequired),
        "schema": [
            "type": .text(["limit", "bucketSeconds"].contains(name) ? "integer" : "string")
        ],
    ]
}

private func response(_ text: String, _ contentType: String, _ schema: String) -> JSONValue {
    ["description": .text(text), "content": .object([contentType: ["schema": reference(schema)]])]
}

private func reference(_ schema: String) -> JSONValue {
    switch schema {
    case "openapi": ["type": "object"]
    case "text": ["type": "string"]
    default: ["$ref": .text("#/components/schemas/\(schema)")]
    }
}

private func object(_ fields: String, optional: String = "") -> JSONValue {
    let required = fields.split(separator: " ").map(String.init)
    var properties: [String: JSONValue] = [:]
    for field in required + optional.split(separator: " ").map(String.init) {
        let parts = field.split(separator: ":")
        properties[String(parts[0])] = [
            "type": .text(parts.count > 1 ? String(parts[1]) : "string")
        ]
    }
    let names = required.map { JSONValue.text(String($0.prefix { $0 != ":" })) }
    return ["type": "object", "properties": .object(properties), "required": .list(names)]
}

private func page(of schema: String) -> JSONValue {
    [
        "type": "object",
        "properties": [
            "items": ["type": "array", "items": reference(schema)],
            "nextCursor": ["type": "string"],
        ],
        "required": ["items"],
    ]
}

private let schemas: [String: JSONValue] = [
    "decision": object("count:integer bytes:integer leftOut:object changed:integer"),
    "decisionRequest": object(
        "filter:object", optional: "dryRun:boolean expectedCount:integer note"),
    "failure": object(
        """
        sourceBucket ruleId destinationBucket key keyEncoded versionId state reasonClass \
        firstFailedAt lastFailedAt failureCount:integer
        """,
        optional: """
            reason size:integer eTag operation remediationId lastTask:object closedAt evidence note
            """),
    "failurePage": page(of: "failure"),
    "health": object("status failing:array"),
    "histogram": object("from bucketSeconds:integer series:array", optional: "others:object"),
    "intake": object("state", optional: "pausedUntil"),
    "pauseRequest": object("", optional: "durationSeconds:integer"),
    "plan": object(
        """
        sourceBucket ruleId region objects:integer bytes:integer estimatedCost:object \
        reasons:array otherRules:array warnings:array plannedAt
        """),
    "problem": object("type title status:integer code detail"),
    "quarantined": object(
        "id:integer receivedAt messageId queue problem offset:integer bodyEncoded"),
    "quarantineOutcome": object("id:integer outcome", optional: "records:integer"),
    "quarantinePage": page(of: "quarantined"),
    "remediation": object(
        """
        id sourceBucket ruleId state objects:integer bytes:integer estimatedCost:object jobs:array \
        heldBack:array outcome:object createdAt createdBy
        """, optional: "filter:object canary:integer finishedAt problem"),
    "remediationPage": page(of: "remediation"),
    "remediationRequest": object(
        "rule",
        optional: """
            filter:object objects:array canary:integer priority:integer confirmation:boolean \
            dryRun:boolean plannedAt expectedObjects:integer
            """),
    "rule": object(
        "sourceBucket ruleId region counts:object openBytes:integer reasons:array lag:object",
        optional: "oldestOpenAt newestFailedAt"),
    "rulePage": page(of: "rule"),
    "status": object(
        """
        version uptimeSeconds:integer state queues:array log:object store:object problems:array
        """, optional: "pausedUntil remediations:object"),
    "timelineEntry": object("at what", optional: "reason remediationId jobId evidence by note"),
    "timelinePage": page(of: "timelineEntry"),
]
