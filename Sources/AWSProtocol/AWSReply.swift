package import Domain

/// A reply as the parsers of this module read it.
package struct AWSReply: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of that name, without regard to case; nil when absent or empty.
    package func header(_ name: String) -> String? {
        let value = headers.first { isSameName($0.name, name) }?.value
        return value == "" ? nil : value
    }

    /// When the service answered, by its own clock.
    package var date: Timestamp? { header("date").flatMap(Timestamp.init(httpDate:)) }

    /// The body as XML whose root has that name.
    package func xml(_ root: String) throws(UnreadableReply) -> XMLElement {
        let element: XMLElement
        do {
            element = try XMLElement(parsing: body)
        } catch {
            throw UnreadableReply("\(error)")
        }
        guard element.name == root else {
            throw UnreadableReply(
                "XML with the root \(element.name.prefix(100)) instead of \(root)")
        }
        return element
    }
}

/// Without regard to case, in ASCII: RFC 9110, section 5.1.
private func isSameName(_ one: String, _ other: String) -> Bool {
    let (one, other) = (one.utf8Span.span, other.utf8Span.span)
    guard one.count == other.count else { return false }
    for index in one.indices where one[index] != other[index] {
        let isLetter = (0x61...0x7A).contains(one[index] | 0x20)
        guard isLetter, one[index] ^ other[index] == 0x20 else { return false }
    }
    return true
}

extension XMLElement {
    /// The text at the end of the path, which the reply must have.
    func required(_ path: String...) throws(UnreadableReply) -> String {
        var element = self
        for name in path {
            guard let next = element[name] else {
                throw UnreadableReply("\(self.name) without \(path.joined(separator: "/"))")
            }
            element = next
        }
        return element.text
    }
}

extension String {
    /// Without the quotes of an entity tag, which S3 sends and Batch Operations does not want.
    var unquoted: String {
        hasPrefix("\"") && hasSuffix("\"") && utf8.count > 1 ? String(dropFirst().dropLast()) : self
    }
}
