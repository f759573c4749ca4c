internal import SystemIO

/// Reads the log's records in order, only those that are synced, from the segments' files. One owner at a time, on
/// any thread that may block.
package struct LogReader: Sendable {
    private let shared: SharedLog
    private let state: StateDirectory
    /// The last record handed out, or where reading starts.
    package private(set) var position: LSN
    private var segment: SegmentReader?

    init(shared: SharedLog, state: StateDirectory, after lsn: LSN) {
        self.shared = shared
        self.state = state
        position = lsn
    }

    /// The records after `position`: none when no more are synced, else at least one; no more than `maximumRecords`,
    /// and none after their payloads have reached `maximumBytes`.
    package mutating func next(
        maximumRecords: Int, maximumBytes: Int
    ) throws(LogFailure) -> [LogRecord] {
        var records: [LogRecord] = []
        var bytes = 0
        let synced = shared.status.syncedLSN
        while position < synced, records.count < maximumRecords, bytes < maximumBytes {
            guard let place = shared.place(of: position.next) else {
                throw .doesNotBelong(
                    .logStartsAfterStore(first: shared.firstLSN, applied: position),
                    directory: state.path)
            }
            var reader = try reader(of: place.segment)
            while position < place.last, records.count < maximumRecords, bytes < maximumBytes {
                let record = try nextRecord(&reader)
                if record.lsn <= position { continue }
                position = record.lsn
                bytes += record.payload.count
                records.append(record)
            }
            segment = reader
        }
        return records
    }

    private mutating func reader(of entry: SegmentEntry) throws(LogFailure) -> SegmentReader {
        if var reader = segment, reader.header.firstLSN == entry.firstLSN {
            segment = nil
            // The committer has written behind what was read then.
            reader.refresh()
            return reader
        }
        do { return try SegmentReader(entry.path, in: state.fileSystem) } catch {
            switch error {
            case .io(let failure): throw .ioFailed(failure)
            case .header(let invalid):
                throw damaged(entry.path, 0, entry.firstLSN, "the header is not valid: \(invalid)")
            }
        }
    }

    private func nextRecord(_ reader: inout SegmentReader) throws(LogFailure) -> LogRecord {
        while true {
            let item: SegmentReader.Item
            do { item = try reader.next() } catch { throw .ioFailed(error) }
            switch item {
            case .record(let record): return record
            case .sync: continue
            case .cleanEnd:
                throw damaged(
                    reader.path, reader.offset, reader.nextLSN, "zeros where a record was synced")
            case .bad(let finding):
                throw damaged(
                    reader.path, reader.offset, reader.nextLSN,
                    finding + ", and the record was synced")
            }
        }
    }

    private func damaged(
        _ file: String, _ offset: Int, _ lsn: LSN, _ finding: String
    ) -> LogFailure {
        .damaged(
            LogDamage(
                file: file, offset: offset, lsn: lsn, finding: finding, directory: state.path))
    }
}
