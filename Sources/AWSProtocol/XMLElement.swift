internal import CExpat

/// One element of an XML reply. Namespaces and attributes are dropped: no reply that is read here needs them.
package struct XMLElement: Sendable, Equatable {
    package var name: String
    /// The text directly inside this element.
    package var text: String = ""
    package var children: [XMLElement] = []

    package init(name: String, text: String = "", children: [XMLElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// The first child of that name.
    package subscript(name: String) -> XMLElement? {
        children.first { $0.name == name }
    }

    /// All children of that name.
    package func all(_ name: String) -> [XMLElement] {
        children.filter { $0.name == name }
    }

    /// The text at the end of a path of names, first children taken.
    package func text(_ path: String...) -> String? {
        var element = self
        for name in path {
            guard let next = element[name] else { return nil }
            element = next
        }
        return element.text
    }
}

/// Why bytes are not an XML document that is accepted here.
package enum XMLFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(line: Int, String)
    /// Entities could be declared in it: no AWS reply has one.
    case documentType
    case tooLarge(bytes: Int, limit: Int)
    case tooDeep(limit: Int)
    case tooManyElements(limit: Int)

    package var description: String {
        switch self {
        case .malformed(let line, let cause): "no XML in line \(line): \(cause)"
        case .documentType: "XML with a document type declaration, which is refused"
        case .tooLarge(let bytes, let limit): "XML of \(bytes) bytes; the limit is \(limit)"
        case .tooDeep(let limit): "XML with more than \(limit) levels"
        case .tooManyElements(let limit): "XML with more than \(limit) elements"
        }
    }
}

extension XMLElement {
    package static let maximumBytes = 16 * 1024 * 1024
    package static let maximumDepth = 32
    /// A page of 1,000 versions has about 12,000.
    package static let maximumElements = 100_000

    /// Parses one whole document.
    package init(parsing bytes: [UInt8]) throws(XMLFailure) {
        guard bytes.count <= Self.maximumBytes else {
            throw .tooLarge(bytes: bytes.count, limit: Self.maximumBytes)
        }
        guard let parser = unsafe XML_ParserCreate(nil) else {
            throw .malformed(line: 0, "out of memory")
        }
        defer { unsafe XML_ParserFree(parser) }
        let builder = unsafe TreeBuilder(parser: parser)
        builder.listen()
        let status = unsafe bytes.withUnsafeBytes { input in
            unsafe XML_Parse(
                parser, input.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(input.count), 1)
        }
        if let refusal = builder.refusal { throw refusal }
        guard status == XML_STATUS_OK, let root = builder.root else {
            let cause = unsafe XML_ErrorString(XML_GetErrorCode(parser)).map {
                unsafe String(cString: $0)
            }
            throw unsafe .malformed(
                line: Int(XML_GetCurrentLineNumber(parser)), cause ?? "no element")
        }
        self = root
    }
}

/// Builds the tree from expat's callbacks, which get it as their user data.
// @safe: the parser is freed only after the last callback.
@safe private final class TreeBuilder {
    private(set) var root: XMLElement?
    private(set) var refusal: XMLFailure?
    private var open: [XMLElement] = []
    private var count = 0
    private let parser: XML_Parser

    init(parser: XML_Parser) {
        unsafe self.parser = unsafe parser
    }

    /// The builder must outlive the parsing.
    func listen() {
        unsafe XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        unsafe XML_SetStartDoctypeDeclHandler(parser) { target, _, _, _, _ in
            unsafe builder(target).refuse(.documentType)
        }
        unsafe XML_SetElementHandler(
            parser,
            { target, name, _ in
                if let name = unsafe name { unsafe builder(target).start(String(cString: name)) }
            },
            { target, _ in unsafe builder(target).end() })
        unsafe XML_SetCharacterDataHandler(parser) { target, text, length in
            let bytes = unsafe UnsafeRawBufferPointer(start: text, count: Int(length))
            unsafe builder(target).take(String(decoding: bytes, as: UTF8.self))
        }
    }

    private func refuse(_ reason: XMLFailure) {
        refusal = reason
        unsafe XML_StopParser(parser, 0)
    }

    private func start(_ name: String) {
        count += 1
        guard open.count < XMLElement.maximumDepth else {
            return refuse(.tooDeep(limit: XMLElement.maximumDepth))
        }
        guard count <= XMLElement.maximumElements else {
            return refuse(.tooManyElements(limit: XMLElement.maximumElements))
        }
        open.append(XMLElement(name: String(name.split(separator: ":").last ?? "")))
    }

    private func take(_ text: String) {
        guard !open.isEmpty else { return }
        open[open.count - 1].text += text
    }

    private func end() {
        guard refusal == nil, let element = open.popLast() else { return }
        if open.isEmpty {
            root = element
        } else {
            open[open.count - 1].children.append(element)
        }
    }
}

private func builder(_ target: UnsafeMutableRawPointer?) -> TreeBuilder {
    guard let target = unsafe target else { preconditionFailure("expat lost its user data") }
    return unsafe Unmanaged<TreeBuilder>.fromOpaque(target).takeUnretainedValue()
}

/// `text` as the content of an element. A carriage return is a character reference: parsers turn a bare one into a
/// line feed. Source: Amazon S3 User Guide, "Object key naming", XML related object key constraints.
func xmlEscaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        case "\r": escaped += "&#13;"
        case "\n": escaped += "&#10;"
        case "\t": escaped += "&#9;"
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}
