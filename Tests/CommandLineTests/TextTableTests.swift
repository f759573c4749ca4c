import Testing

@testable import s3remedy

struct TextTableTests {
    private func table(_ keys: [String]) -> TextTable {
        var table = TextTable(columns: [
            .init(title: "KEY", minimum: 8), .init(title: "SIZE", isNumber: true),
            .init(title: "LAST FAILED", shortTitle: "FAILED", isNumber: true, dropRank: 1),
        ])
        table.rows = keys.map { [$0, "1.2 GiB", "3 h ago"] }
        return table
    }

    @Test func `columns are aligned, numbers to the right`() {
        #expect(
            table(["a", "bcd"]).lines(width: 80) == [
                "KEY     SIZE  LAST FAILED", "a    1.2 GiB      3 h ago",
                "bcd  1.2 GiB      3 h ago",
            ])
    }

    @Test func `short titles come before eliding, eliding before dropping`() {
        let one = table(["0123456789"])
        #expect(
            one.lines(width: 28) == [
                "KEY            SIZE   FAILED", "0123456789  1.2 GiB  3 h ago",
            ])
        #expect(
            one.lines(width: 26) == ["KEY          SIZE   FAILED", "0123…789  1.2 GiB  3 h ago"])
        #expect(one.lines(width: 25) == ["KEY            SIZE", "0123456789  1.2 GiB"])
    }

    @Test func `no line exceeds the width, whatever it is`() {
        let keys = ["x", String(repeating: "請求書/", count: 50), String(repeating: "🧾a", count: 9)]
        for width in 1...200 {
            for line in table(keys).lines(width: width) {
                #expect(displayWidth(line) <= width)
            }
        }
        print("200 widths")
    }

    @Test func `an empty table is its title line`() {
        #expect(table([]).lines(width: 80) == ["KEY  SIZE  LAST FAILED"])
    }

    @Test func `fields are aligned, wrapped and left out where unknown`() {
        let lines = fields(
            [("Name", "x"), ("None", nil), ("Sentence", "one two three four five six")], width: 30)
        #expect(lines == ["Name      x", "Sentence  one two three four", "          five six"])
    }
}
