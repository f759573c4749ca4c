/// Writes a list page by page, in constant memory: `json` one array, `ndjson` a line per item, `csv` with a header.
struct ItemWriter<Item: ControlItem> {
    let output: Screen
    let format: OutputFormat
    private var hasBegun = false
    private var count = 0

    init(output: Screen, format: OutputFormat) {
        self.output = output
        self.format = format
    }

    /// Nothing is written before the first page came: an error leaves no half of a document behind.
    mutating func write(_ items: [Item]) throws(CommandFailure) {
        var text = hasBegun ? "" : opening
        hasBegun = true
        for item in items {
            switch format {
            case .json, .table: text += (count == 0 ? "\n" : ",\n") + json(item)
            case .ndjson: text += json(item) + "\n"
            case .csv: text += record(csvCells(of: item))
            }
            count += 1
        }
        try output.write(text)
    }

    mutating func end() throws(CommandFailure) {
        try write([])
        if format == .json { try output.write(count == 0 ? "]\n" : "\n]\n") }
    }

    private var opening: String {
        switch format {
        case .json, .table: "["
        case .ndjson: ""
        case .csv: csvRecord(Item.csvColumns)
        }
    }

    /// Exact in a file or a pipe; a terminal gets no control characters.
    private func record(_ cells: [String]) -> String {
        csvRecord(output.isTerminal ? cells.map(shown) : cells)
    }
}
