import ArgumentParser
import Domain
import FailureStore
import Foundation
import SystemIO

/// The failure store: filled, applied to in both orders of keys, asked.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Applies batches of 10,000 events to the store, or asks it."
    )

    enum Step: String, ExpressibleByArgument {
        case apply, ask
        /// The same events in the table of consumer.py, upserted in transactions of as many.
        case plain
    }

    @Argument var step: Step
    @OptionGroup var place: BenchDirectory
    @Option var order = KeyOrder.time
    @Option(help: "Events to apply.") var records = 200_000
    @Option(help: "Tells what is applied now from what was applied before.") var phase = 0
    @Option(help: "The first event's time, seconds since 1970.") var since = 1_795_000_000

    static let recordsPerBatch = 10_000

    func run() async throws {
        switch step {
        case .apply: try printJSON(try await apply())
        case .ask: try printJSON(try await ask())
        case .plain: try printJSON(try upsertPlainly())
        }
    }

    var events: BenchEvents {
        BenchEvents(order: order, total: records, since: Int64(since) * 1000, phase: phase)
    }

    func openStore() throws -> SQLiteFailureStore {
        try SQLiteFailureStore.open(
            path: place.directory + "/failures.db", writer: .blocking("store"),
            reader: .blocking("store-reader"))
    }

    /// The events are made before the clock starts, a few batches at a time.
    private func apply() async throws -> Measurement.Result {
        let store = try openStore()
        let events = events
        let now = Timestamp(milliseconds: Int64(since) * 1000 + Int64(records))
        var lsn = try await store.mark().appliedLSN
        var total = Measurement.Total()
        for start in stride(from: 0, to: records, by: Self.recordsPerBatch) {
            let range = start..<min(start + Self.recordsPerBatch, records)
            let batch = StoreBatch(
                records: range.map {
                    (lsn + UInt64($0 - start) + 1, StoreRecord.event(events.event($0)))
                }, at: now)
            let measurement = Measurement()
            let summary = try await store.apply(batch)
            total.add(measurement.result(records: summary.newFailures))
            lsn = summary.appliedLSN
        }
        try await store.close()
        return total.result
    }
}

extension KeyOrder: ExpressibleByArgument {}
