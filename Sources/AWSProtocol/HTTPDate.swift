package import Domain

extension Timestamp {
    /// Parses the `Date` of an HTTP reply, `Sun, 06 Nov 1994 08:49:37 GMT`. Source: RFC 9110, section 5.6.7
    /// (IMF-fixdate); the two obsolete forms are refused. The name of the day is not compared with the date.
    package init?(httpDate text: String) {
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","),
            parts[5] == "GMT", let month = months.firstIndex(where: { parts[2] == $0 })
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        self.init(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
