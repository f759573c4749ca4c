/// A JSON value, for the one document whose shape no type describes.
package enum JSONValue: Encodable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral
{
    case text(String)
    case flag(Bool)
    case number(Int)
    case list([JSONValue])
    case object([String: JSONValue])

    package init(stringLiteral value: String) { self = .text(value) }
    package init(booleanLiteral value: Bool) { self = .flag(value) }
    package init(integerLiteral value: Int) { self = .number(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { first, _ in first })
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .flag(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
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
            "Done", route.answer == "text" ? "text/plain" : route.contentType, route.answer),
        "default": response("A problem", "application/problem+json", "problem"),
    ]
    if route.isChange {
        responses["403"] = response(
            "The caller may only read", "application/problem+json", "problem")
        responses["422"] = response(
            "The Idempotency-Key was sent with another request", "application/problem+json",
            "problem")
    }
    if route.answer == "health" {
        responses["503"] = response(
            "A part has failed, or the daemon is stopping", "application/json", "health")
    }
    if let other = route.otherAnswer {
        responses["200"] = response("Nothing was changed", "application/json", other)
    }
    var operation: [String: JSONValue] = [
        "summary": .text(route.summary),
        "parameters": .list(inPath + inQuery + (route.isChange ? [idempotencyKey] : [])),
        "responses": .object(responses),
    ]
    if let body = route.body {
        operation["requestBody"] = [
            "required": true, "content": ["application/json": ["schema": reference(body)]],
        ]
    }
    return .object(operation)
}

/// The same key with the same request gets the first one's answer again, for 24 hours.
private let idempotencyKey: JSONValue = [
    "name": "Idempotency-Key", "in": "header", "required": false,
    "schema": ["type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"],
]

private func parameter(_ name: String, in place: String, isRequired: Bool) -> JSONValue {
    [
        "name": .text(name), "in": .text(place), "required": .flag(isRequired),
        "schema": bounded[name] ?? ["type": "string"],
    ]
}

/// What parameters and members of filters take, where not every text will do.
private let bounded: [String: JSONValue] = [
    "limit": ["type": "integer", "minimum": 1, "maximum": 1000],
    "bucketSeconds": ["type": "integer", "minimum": 1],
    "by": ["type": "string", "enum": ["rule", "reason", "destination"]],
    "order": ["type": "string", "enum": ["key", "newest", "oldest"]],
    "rule": ["type": "string", "pattern": "^[^/]+/.+$"],
    "state": [
        "type": "string",
        "enum": ["open", "submitted", "verifying", "replicated", "parked", "gone", "dismissed"],
    ],
    "since": ["type": "string", "format": "date-time"],
    "until": ["type": "string", "format": "date-time"],
    "firstSince": ["type": "string", "format": "date-time"],
]

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

/// An object of a request: a member that it does not name is refused.
private func closed(_ properties: [String: JSONValue], required: [JSONValue] = []) -> JSONValue {
    [
        "type": "object", "properties": .object(properties), "required": .list(required),
        "additionalProperties": false,
    ]
}

private let filterSchema = closed(
    Dictionary(
        uniqueKeysWithValues: FailureFilter.names.map { ($0, bounded[$0] ?? ["type": "string"]) }))

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
    "decisionRequest": closed(
        [
            "filter": reference("filter"), "dryRun": ["type": "boolean"],
            "expectedCount": ["type": "integer"], "note": ["type": "string", "maxLength": 1024],
        ], required: ["filter"]),
    "failure": object(
        """
        sourceBucket ruleId destinationBucket key keyEncoded versionId state reasonClass \
        firstFailedAt lastFailedAt failureCount:integer
        """,
        optional: """
            reason size:integer eTag operation remediationId lastTask:object closedAt evidence note
            """),
    "failurePage": page(of: "failure"),
    "filter": filterSchema,
    "health": object("status failing:array"),
    "histogram": object("from bucketSeconds:integer series:array", optional: "others:object"),
    "intake": object("state", optional: "pausedUntil"),
    "objectName": object("keyEncoded versionId"),
    "pauseRequest": [
        "type": "object",
        "properties": ["durationSeconds": ["type": "integer", "minimum": 1, "maximum": 43_200]],
    ],
    "plan": object(
        """
        sourceBucket ruleId region objects:integer bytes:integer estimatedCost:object \
        reasons:array otherRules:array warnings:array plannedAt
        """, optional: "precheck:object"),
    "problem": object("type title status:integer code detail"),
    "quarantined": object(
        "id:integer receivedAt messageId queue problem offset:integer bodyEncoded"),
    "quarantineOutcome": object("id:integer outcome", optional: "records:integer"),
    "quarantinePage": page(of: "quarantined"),
    "reason": object("code reasonClass meaning owner fix"),
    "reasonPage": page(of: "reason"),
    "reload": [
        "type": "object", "required": ["file", "changes"],
        "properties": [
            "file": ["type": "string"],
            "changes": ["type": "array", "items": reference("reloadChange")],
        ],
    ],
    "reloadChange": [
        "type": "object", "required": ["key", "applies"],
        "properties": [
            "key": ["type": "string"], "from": ["type": "string"], "to": ["type": "string"],
            "applies": ["type": "string", "enum": ["now", "restart"]],
        ],
    ],
    "remediation": object(
        """
        id sourceBucket ruleId state objects:integer bytes:integer estimatedCost:object jobs:array \
        heldBack:array outcome:object createdAt createdBy
        """, optional: "filter:object canary:integer finishedAt problem"),
    "remediationPage": page(of: "remediation"),
    "remediationRequest": closed(
        [
            "rule": bounded["rule"] ?? [:], "filter": reference("filter"),
            "objects": ["type": "array", "minItems": 1, "items": reference("objectName")],
            "canary": ["type": "integer", "minimum": 1, "maximum": 1_000_000],
            "priority": ["type": "integer", "minimum": 0, "maximum": 2_147_483_647],
            "confirmation": ["type": "boolean"], "dryRun": ["type": "boolean"],
            "plannedAt": ["type": "string", "format": "date-time"],
            "expectedObjects": ["type": "integer"],
        ], required: ["rule"]),
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
    "verification": object("looked:integer changed:object", optional: "problem nextCursor"),
    "verifyRequest": closed(
        [
            "filter": reference("filter"), "dryRun": ["type": "boolean"],
            "confirmGone": ["type": "boolean"], "cursor": ["type": "string"],
        ], required: ["filter"]),
]
