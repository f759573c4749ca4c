/// A text that equals another only byte for byte: Swift's strings are equal already when they are canonically
/// equivalent (a rule ID in NFC and one in NFD), S3's and SQLite's names are not.
package struct ExactText: Hashable, Comparable, Sendable {
    package var text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        let (one, other) = (left.text.utf8Span.span, right.text.utf8Span.span)
        guard one.count == other.count else { return false }
        for index in one.indices where one[index] != other[index] { return false }
        return true
    }

    package static func < (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    /// Swift's own: equal bytes are equal strings, and what else shares the number is told apart by `==`.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(text)
    }
}
