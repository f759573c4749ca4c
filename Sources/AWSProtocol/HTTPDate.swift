package import Domain

extension Timestamp {
    /// Parses the `Date` of an HTTP reply, `Sun, 06 Nov 1994 08:49:37 GMT`. Source: RFC 9110, section 5.6.7
    /// (IMF-fixdate); the two obsolete forms are refused. The name of the day is not compared with the date.
    package init?(httpDate text: String) {
        let date = Array(text.utf8)
        guard date.count == 29, date[3...4].elementsEqual(", ".utf8), date[7] == 0x20,
            date[11] == 0x20, date[16] == 0x20, date[25...].elementsEqual(" GMT".utf8),
            let month = months.firstIndex(where: { date[8...10].elementsEqual($0.utf8) })
        else { return nil }
        // The same fields in RFC 3339's order.
        var other = Array("....-..-..T........Z".utf8)
        other[0...3] = date[12...15]
        other[5] = UInt8(ascii: "0") + UInt8((month + 1) / 10)
        other[6] = UInt8(ascii: "0") + UInt8((month + 1) % 10)
        other[8...9] = date[5...6]
        other[11...18] = date[17...24]
        self.init(rfc3339: other)
    }
}

private let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]
