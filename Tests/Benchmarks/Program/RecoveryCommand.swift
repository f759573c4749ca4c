import ArgumentParser
import LogRecords
import SystemIO
import WriteAheadLog

/// A log of records that no store has applied: made, then opened again.
struct RecoveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery", abstract: "Makes a log in a new state directory, or opens it.")

    enum Step: String, ExpressibleByArgument {
        /// Appends the records.
        case fill
        /// Recovers the log: reads and checks every record.
        case open
        /// Reads the same files and looks at nothing: the limit.
        case raw
    }

    @Argument var step: Step
    @OptionGroup var place: BenchDirectory
    @Option var records = 1_000_000
    @Option(help: "The first event's time, seconds since 1970.") var since = 1_795_000_000

    func run() async throws {
        switch step {
        case .fill: try printJSON(try await fill())
        case .open: try printJSON(try await open())
        case .raw: try printJSON(try readAll())
        }
    }

    private func fill() async throws -> Measurement.Result {
        let events = BenchEvents(
            order: .time, total: records, since: Int64(since) * 1000, phase: 0)
        let (log, _) = try openLog(in: try lock())
        let measurement = Measurement()
        for start in stride(from: 0, to: records, by: 1000) {
            _ = try await log.append(
                (start..<min(start + 1000, records)).map {
                    LogPayload.event(events.event($0)).encode()
                })
        }
        let result = measurement.result(records: records)
        await log.close()
        return result
    }

    private func open() async throws -> Measurement.Result {
        let measurement = Measurement()
        let (log, report) = try openLog(in: try lock())
        let result = measurement.result(records: Int(report.lastLSN.value))
        await log.close()
        return result
    }

    private func readAll() throws -> Measurement.Result {
        let fileSystem = PosixFileSystem()
        let directory = place.directory + "/wal"
        let measurement = Measurement()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        for name in try fileSystem.names(in: directory) {
            let file = try fileSystem.open(directory + "/" + name, .read)
            let size = try file.size()
            for offset in stride(from: 0, to: size, by: buffer.count) {
                var span = buffer.mutableSpan
                var raw = span.mutableBytes
                _ = try file.read(into: &raw, at: offset)
            }
        }
        return measurement.result(records: records)
    }

    private func lock() throws -> StateDirectory {
        try StateDirectory.lock(
            place.directory, fileSystem: PosixFileSystem(), holder: "s3remedy-bench")
    }
}
