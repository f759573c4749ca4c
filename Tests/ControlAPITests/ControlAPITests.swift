import ControlAPI
import Domain
import Foundation
import Testing

struct ControlAPITests {
    @Test func `the document describes every route and refers to schemas that exist`() throws {
        let data = try JSONEncoder().encode(openAPIDocument(version: "1"))
        let text = String(decoding: data, as: UTF8.self).replacing("\\/", with: "/")
        for route in interfaceRoutes { #expect(text.contains("\"\(route.path)\"")) }
        let document = try #require(
            try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let components = try #require(document["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: Any])
        let references = text.matches(of: /#\/components\/schemas\/(\w+)/).map { String($0.1) }
        #expect(references.count > 20)
        for name in references { #expect(schemas[name] != nil, "\(name)") }
        print("routes \(interfaceRoutes.count), references \(references.count)")
    }

    @Test func `the document has what each route refuses and the bounds of what it takes`() throws {
        let data = try JSONEncoder().encode(openAPIDocument(version: "1"))
        let document = try #require(
            try JSONSerialization.jsonObject(with: data) as? NSDictionary)
        for route in interfaceRoutes {
            let operation = try #require(
                (document["paths"] as? NSDictionary)?[route.path] as? NSDictionary)
            let responses = try #require(
                (operation[route.method.lowercased()] as? NSDictionary)?["responses"]
                    as? NSDictionary)
            #expect((responses["403"] != nil) == route.isChange, "\(route.path)")
            #expect((responses["503"] != nil) == (route.path == "/v1/health"), "\(route.path)")
        }
    }

    @Test func `every filter's name is one that can be set`() throws {
        var filter = FailureFilter()
        for name in FailureFilter.names {
            let isTime = ["since", "until", "firstSince"].contains(name)
            let isKnown = try filter.set(name, to: isTime ? "2026-01-01T00:00:00Z" : "a/b")
            #expect(isKnown, "\(name)")
        }
        let isKnown = try filter.set("other", to: "")
        #expect(!isKnown)
    }

    @Test func `a filter survives the way to a selection and back`() throws {
        var filter = FailureFilter()
        let values = [
            "rule": "orders/a/b", "bucket": "orders", "destination": "backup", "state": "parked",
            "reason": "New", "reasonClass": "kms", "operation": "OBJECT_PUT", "prefix": "a b/",
            "keyEncoded": "a%20b/%2B", "version": "v", "since": "2026-01-01T00:00:00.001Z",
            "until": "2027-01-01T00:00:00.000Z", "firstSince": "2025-01-01T00:00:00.000Z",
        ]
        for (name, value) in values { _ = try filter.set(name, to: value) }
        #expect(FailureFilter(try filter.selection()) == filter)
        #expect(values.count == FailureFilter.names.count)
    }

    @Test(arguments: [
        ("state", "shut"), ("rule", "orders"), ("reasonClass", "x"), ("keyEncoded", "%"),
        ("since", "now"),
    ])
    func `a value that no filter takes is named`(name: String, value: String) {
        #expect {
            var filter = FailureFilter()
            _ = try filter.set(name, to: value)
            _ = try filter.selection()
        } throws: { ($0 as? FilterError)?.sentence.contains("\(name)=\(value)") == true }
    }
}
