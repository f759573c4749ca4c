internal import JSONScanning

/// A whole document as a tree, built through the scanner's interface alone. Strings as bytes, since Swift's String
/// calls different bytes equal; numbers as they are written.
indirect enum DocumentTree: Equatable, Sendable {
    struct Member: Equatable, Sendable {
        let name: [UInt8]
        let value: DocumentTree
    }

    case object([Member])
    case array([DocumentTree])
    case string([UInt8])
    case number(String)
    case boolean(Bool)
    case null

    init(parsing document: [UInt8]) throws(JSONError) {
        var scanner = JSONScanner(document)
        self = try DocumentTree(from: &scanner)
        try scanner.finish()
    }

    private init(from scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.nextKind() {
        case .object:
            var members: [Member] = []
            try scanner.beginObject()
            while let name = try scanner.nextMember() {
                members.append(
                    Member(
                        name: Array(scanner.text(name).utf8),
                        value: try DocumentTree(from: &scanner)))
            }
            self = .object(members)
        case .array:
            var elements: [DocumentTree] = []
            try scanner.beginArray()
            while try scanner.nextElement() { elements.append(try DocumentTree(from: &scanner)) }
            self = .array(elements)
        case .string: self = .string(scanner.contents(try scanner.value()))
        case .number: self = .number(scanner.text(try scanner.value()))
        case .boolean: self = .boolean(scanner.text(try scanner.value()) == "true")
        case .null:
            try scanner.skipValue()
            self = .null
        }
    }
}

/// What skipping says of a document: the same errors as reading it, or none.
func errorOfSkipping(_ document: [UInt8]) -> JSONError? {
    var scanner = JSONScanner(document)
    do throws(JSONError) {
        try scanner.skipValue()
        try scanner.finish()
        return nil
    } catch {
        return error
    }
}

func errorOfReading(_ document: [UInt8]) -> JSONError? {
    do throws(JSONError) {
        _ = try DocumentTree(parsing: document)
        return nil
    } catch {
        return error
    }
}
