internal import Domain
internal import GRDB

/// Small integers for names that repeat. What a transaction that is rolled back has added is forgotten by
/// `forget()`; so is everything, which only costs looking it up again.
final class NameTable {
    private var rules: [RuleName: Int64] = [:]
    private var destinations: [ExactText: Int64] = [:]
    private var reasons: [ExactText: Int64] = [:]

    func forget() {
        rules = [:]
        destinations = [:]
        reasons = [:]
    }

    func rule(_ name: RuleName, region: String, in db: Database) throws -> Int64 {
        if let id = rules[name] { return id }
        try db.cachedStatement(
            sql:
                "INSERT INTO rule (bucket, rule_id, region) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        ).execute(arguments: [name.sourceBucket, name.ruleID, region])
        guard let id = try Self.findRule(name, in: db) else {
            throw DatabaseError(message: "rule \(name) vanished")
        }
        rules[name] = id
        return id
    }

    func destination(_ name: String, in db: Database) throws -> Int64 {
        if let id = destinations[ExactText(name)] { return id }
        try db.cachedStatement(
            sql: "INSERT INTO destination (name) VALUES (?) ON CONFLICT DO NOTHING"
        ).execute(arguments: [name])
        let id = try Self.id(in: db, "SELECT id FROM destination WHERE name = ?", [name])
        destinations[ExactText(name)] = id
        return id
    }

    func reason(_ code: String, in db: Database) throws -> Int64 {
        if let id = reasons[ExactText(code)] { return id }
        try db.cachedStatement(
            sql: "INSERT INTO reason (code, class) VALUES (?, ?) ON CONFLICT DO NOTHING"
        ).execute(arguments: [code, reasonClass(of: code).rawValue])
        let id = try Self.id(in: db, "SELECT id FROM reason WHERE code = ?", [code])
        reasons[ExactText(code)] = id
        return id
    }

    /// The class of a reason is this program's word: an older one may have known the code as another, and filters ask
    /// the table.
    static func refreshClasses(_ writer: some DatabaseWriter) throws {
        try writer.write { db in
            let update = try db.makeStatement(sql: "UPDATE reason SET class = ? WHERE id = ?")
            for row in try Row.fetchAll(db, sql: "SELECT id, code, class FROM reason") {
                let known = reasonClass(of: row[1]).rawValue
                guard known != row[2] as String else { continue }
                try update.execute(arguments: [known, row[0] as Int64])
            }
        }
    }

    static func findRule(_ name: RuleName, in db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM rule WHERE bucket = ? AND rule_id = ?"),
            arguments: [name.sourceBucket, name.ruleID])
    }

    private static func id(
        in db: Database, _ sql: String, _ arguments: StatementArguments
    ) throws -> Int64 {
        guard let id = try Int64.fetchOne(db.cachedStatement(sql: sql), arguments: arguments) else {
            throw DatabaseError(message: "a name just stored is not found: \(sql)")
        }
        return id
    }
}
