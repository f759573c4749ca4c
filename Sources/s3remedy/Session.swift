internal import ControlAPI
internal import Domain
internal import SystemIO

/// One run of a verb: the daemon, the screens and the clock.
struct Session: Sendable {
    let client: ControlClient
    let format: OutputFormat
    let assumesYes: Bool
    let output = Screen(descriptor: 1)
    let messages = Screen(descriptor: 2)
    let clock: any ClockReading = SystemClock()

    init(_ options: GlobalOptions) {
        client = ControlClient(socket: options.socketPath)
        format = options.output
        assumesYes = options.yes
    }

    var now: Timestamp { Timestamp(milliseconds: clock.wallMilliseconds()) }

    /// `3 h ago`; `-` for nothing.
    func age(_ moment: Timestamp?) -> String {
        moment.map { s3remedy.age(of: $0, at: now) } ?? "-"
    }

    /// `2026-11-24T06:11:06.527Z (3 h ago)`.
    func moment(_ moment: Timestamp?) -> String? {
        moment.map { momentAndAge($0, at: now) }
    }

    /// Asks, unless --yes was given.
    func confirm(_ question: String, declined: String) throws(CommandFailure) {
        guard !assumesYes else { return }
        try messages.write(question + " [y/N] ")
        let answer = readLine()?.lowercased()
        guard answer == "y" || answer == "yes" else { throw .declined(declined) }
    }

    /// One thing in the chosen format; `text` makes its lines for people.
    func show<Item: ControlItem>(_ item: Item, text: (Item) -> [String]) throws(CommandFailure) {
        switch format {
        case .table: try output.write(lines: text(item))
        case .json: try output.write(prettyJSON(item) + "\n")
        case .ndjson, .csv:
            var writer = ItemWriter<Item>(output: output, format: format)
            try writer.write([item])
        }
    }

    /// A list in the chosen format. The machine's formats follow the cursor to the end unless `limit` is given; the
    /// table shows the first 100 unless it is. `text` makes the table's lines; it also learns whether there are more.
    func list<Item: ControlItem>(
        _ path: String, _ query: [(name: String, value: String)] = [], limit: Int?,
        text: ([Item], Bool) async throws(CommandFailure) -> [String]
    ) async throws(CommandFailure) {
        if format == .table {
            var items: [Item] = []
            let hasMore = try await client.forEachPage(path, query, limit: limit ?? 100) {
                (page: [Item]) throws(CommandFailure) in items += page
            }
            return try output.write(lines: await text(items, hasMore))
        }
        var writer = ItemWriter<Item>(output: output, format: format)
        _ = try await client.forEachPage(path, query, limit: limit) {
            (page: [Item]) throws(CommandFailure) in try writer.write(page)
        }
        try writer.end()
    }
}
