/// Rows in columns that fit a width. Cells must have gone through `shown` where they come from outside.
struct TextTable {
    struct Column {
        var title: String
        /// The title where the table does not fit otherwise.
        var shortTitle: String?
        var isNumber = false
        /// Columns the cells may be elided to; nil: never.
        var minimum: Int?
        /// For words and sentences, whose beginning says most; else the middle goes.
        var elidesEnd = false
        /// Where eliding does not suffice the column with the greatest rank goes first; nil: it stays.
        var dropRank: Int?
    }

    var columns: [Column]
    var rows: [[String]] = []

    private static let gap = 2

    /// The title line and the rows, each at most `width` columns and without blanks at the end.
    func lines(width: Int) -> [String] {
        let cellWidths = columns.indices.map { index in
            rows.reduce(0) { max($0, displayWidth($1[index])) }
        }
        var measured = zip(columns.indices, cellWidths).map { index, width in
            MeasuredColumn(index: index, column: columns[index], cellWidth: width)
        }
        while true {
            if let widths = fittingWidths(measured, width) {
                return lines(measured, widths, width)
            }
            let droppable = measured.indices.filter { measured[$0].dropRank > 0 }
            guard let last = droppable.max(by: { measured[$0].dropRank < measured[$1].dropRank })
            else {
                return lines(measured, measured.map(\.smallest), width)
            }
            measured.remove(at: last)
        }
    }

    private func lines(_ kept: [MeasuredColumn], _ widths: [Int], _ width: Int) -> [String] {
        let titles = columns.map(\.title)
        return ([titles] + rows).enumerated().map { number, cells in
            let line = zip(kept, widths).map { measured, width in
                let isLongTitle = number == 0 && displayWidth(cells[measured.index]) > width
                let cell = isLongTitle ? measured.shortTitle : cells[measured.index]
                let part =
                    measured.column.elidesEnd ? cut(cell, to: width) : elided(cell, to: width)
                return padded(part, width, measured.column.isNumber)
            }.joined(separator: String(repeating: " ", count: Self.gap))
            return elided(trimmedAtEnd(line), to: width)
        }
    }

    /// Widths with which the table fits: first with long titles, then with short ones, then with elided cells.
    private func fittingWidths(_ kept: [MeasuredColumn], _ width: Int) -> [Int]? {
        let long = kept.map { max(displayWidth($0.column.title), $0.cellWidth) }
        if total(long) <= width { return long }
        var widths = kept.map(\.natural)
        while total(widths) > width {
            let widest = widths.indices.filter { widths[$0] > kept[$0].smallest }
                .max { widths[$0] < widths[$1] }
            guard let widest else { return nil }
            widths[widest] -= 1
        }
        return widths
    }

    private func total(_ widths: [Int]) -> Int {
        widths.reduce(0, +) + Self.gap * max(0, widths.count - 1)
    }
}

private struct MeasuredColumn {
    let index: Int
    let column: TextTable.Column
    let cellWidth: Int

    var shortTitle: String { column.shortTitle ?? column.title }
    var natural: Int { max(displayWidth(shortTitle), cellWidth) }
    var smallest: Int { min(natural, column.minimum ?? natural) }
    var dropRank: Int { column.dropRank ?? 0 }
}

/// Names and values below each other: `Version  0.1.0`. A long value goes on in further lines of its column.
func fields(_ pairs: [(name: String, value: String?)], width: Int) -> [String] {
    let known = pairs.compactMap { pair in pair.value.map { (name: pair.name, value: $0) } }
    let nameWidth = known.map { displayWidth($0.name) }.max() ?? 0
    let indent = String(repeating: " ", count: nameWidth + 2)
    return known.flatMap { name, value in
        let lines = wrapped(value, to: max(20, width - nameWidth - 2))
        let first = trimmedAtEnd(padded(name, nameWidth, false) + "  " + (lines.first ?? ""))
        return [first] + lines.dropFirst().map { indent + $0 }
    }
}

private func padded(_ text: String, _ width: Int, _ isNumber: Bool) -> String {
    let blanks = String(repeating: " ", count: max(0, width - displayWidth(text)))
    return isNumber ? blanks + text : text + blanks
}

private func trimmedAtEnd(_ text: String) -> String {
    String(text.reversed().drop { $0 == " " }.reversed())
}
