internal import Domain
internal import Foundation
internal import GRDB

extension StoreReader {
    /// The failures of listed object versions, one look-up for each and every destination of the rule.
    ///
    /// - Returns: where to go on in the list; nil at its end.
    static func walk(
        _ objects: [ObjectVersion], _ query: FailureQuery, _ options: StoreOptions,
        in db: Database, take: (Row) throws -> Bool
    ) throws -> String? {
        let start = try query.cursor.map(position) ?? 0
        let rule = try query.selection.rule.flatMap { try NameTable.findRule($0, in: db) }
        guard let rule, start < objects.count else { return nil }
        let destinations = try Int64.fetchAll(
            db.cachedStatement(sql: "SELECT DISTINCT destination FROM counter WHERE rule = ?"),
            arguments: [rule])
        let selection = SelectionSQL(query.selection)
        let statement = try db.makeStatement(
            sql: """
                SELECT \(FailureRows.columns), r.code, u.bucket, u.rule_id, d.name
                FROM \(SelectionSQL.tables)
                WHERE f.rule = ? AND f.destination = ? AND f.key = ? AND f.version = ?
                AND (\(selection.condition))
                """)
        var hasEnough = false
        let end = ContinuousClock.now + options.pageDuration
        for index in start..<objects.count {
            let isOver =
                hasEnough || index - start >= options.pageRows
                || (index > start && ContinuousClock.now >= end)
            if isOver { return "\(objectsCursor)\(index)" }
            let object = objects[index]
            for destination in destinations {
                let place: StatementArguments = [
                    rule, destination, Data(object.key.bytes), object.versionID,
                ]
                let row = try Row.fetchOne(statement, arguments: place + selection.arguments)
                if let row, try take(row) { hasEnough = true }
            }
        }
        return nil
    }

    private static let objectsCursor = "objects-"

    private static func position(_ cursor: String) throws -> Int {
        guard cursor.hasPrefix(objectsCursor),
            let index = Int(cursor.dropFirst(objectsCursor.count)), index >= 0
        else {
            throw StoreFailure.badCursor("the cursor \(cursor) is not one of a list of objects")
        }
        return index
    }
}
