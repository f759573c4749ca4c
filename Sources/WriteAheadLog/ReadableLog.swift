package import SystemIO

/// Everything in a log that can still be read, whatever its state: for `wal adopt` and `wal salvage`. It goes on behind
/// bad places and tells each of them.
///
/// Segments are taken by their headers, not their names. What a recovery that was interrupted left in two segments is
/// taken from the one that starts later, as the next start would.
package struct ReadableLog: Sendable {
    /// A place that was left out.
    package struct Missing: Sendable, Equatable {
        package enum Kind: Sendable {
            /// Nothing shows that it was ever acknowledged.
            case tornTail
            /// Promised, or it cannot be told.
            case damage
            /// No segment holds these records.
            case gap
            case newerFormat
        }

        package var kind: Kind
        package var file: String
        /// Empty for a gap.
        package var bytes: Range<Int>
        /// The LSNs that are missing for certain; the end is nil where it is not known.
        package var first: LSN
        package var last: LSN?
        package var finding: String
    }

    package private(set) var missing: [Missing] = []
    /// The log IDs in the order of their first segments.
    package private(set) var logIDs: [LogID] = []
    /// Where each of those logs starts.
    package private(set) var firstLSNs: [LSN] = []
    package private(set) var segments = 0
    package private(set) var records = 0
    /// No record ever had a greater LSN, as far as any bytes can tell.
    package private(set) var greatestLSN = LSN.none
    let directory: String
    let fileSystem: any FileSystem

    /// Reads the segments in `directory` and hands each record to `body`, with its log's ID; in the order of the LSNs.
    package init(
        in directory: String, _ fileSystem: any FileSystem,
        _ body: (LogRecord, LogID) throws(FileFailure) -> Void = { _, _ in }
    ) throws(FileFailure) {
        self.directory = directory
        self.fileSystem = fileSystem
        var readers: [SegmentReader] = []
        var names: [String] = []
        do { names = try fileSystem.names(in: directory) } catch  where error.isNotFound {}
        for name in names.sorted() {
            guard let first = LogFileName.firstLSN(ofSegment: name) else { continue }
            if let reader = try open(directory + "/" + name, first) { readers.append(reader) }
        }
        readers.sort { ($0.header.firstLSN, $0.path) < ($1.header.firstLSN, $1.path) }
        for reader in readers where !logIDs.contains(reader.header.logID) {
            logIDs.append(reader.header.logID)
            firstLSNs.append(reader.header.firstLSN)
        }
        for logID in logIDs {
            let own = readers.filter { $0.header.logID == logID }
            for (index, reader) in own.enumerated() {
                let next = index + 1 < own.count ? own[index + 1] : nil
                try read(reader, before: next, body)
            }
        }
    }

    private mutating func open(
        _ path: String, _ first: LSN
    ) throws(FileFailure) -> SegmentReader? {
        segments += 1
        do { return try SegmentReader(path, in: fileSystem) } catch {
            var lost = Missing(
                kind: .damage, file: path, bytes: 0..<0, first: first, last: nil, finding: "")
            switch error {
            case .io(let failure): throw failure
            case .header(.newerVersion(let version)):
                lost.kind = .newerFormat
                lost.finding = "has log format version \(version), which this program does not know"
            case .header(.damaged(let finding)): lost.finding = finding
            }
            let size = try fileSystem.open(path, .read).size()
            lost.bytes = 0..<size
            note(LSN(first.value, farther: size))
            missing.append(lost)
            return nil
        }
    }

    private mutating func note(_ lsn: LSN) { greatestLSN = max(greatestLSN, lsn) }

    private mutating func read(
        _ segment: SegmentReader, before next: SegmentReader?,
        _ body: (LogRecord, LogID) throws(FileFailure) -> Void
    ) throws(FileFailure) {
        var reader = segment
        let end = next?.header.firstLSN
        note(LSN(reader.header.firstLSN.value - 1))
        while true {
            if let end, reader.nextLSN >= end { return }
            switch try reader.next() {
            case .sync: note(reader.promise)
            case .record(let record):
                records += 1
                note(record.lsn)
                try body(record, reader.header.logID)
            case .cleanEnd:
                guard end != nil || reader.isFollowed else { return }
                // A lost newest segment held as many records as one like this can.
                if end == nil { note(LSN(reader.nextLSN.value, farther: try reader.size())) }
                missing.append(
                    Missing(
                        kind: .gap, file: reader.path, bytes: 0..<0, first: reader.nextLSN,
                        last: end.map { LSN($0.value - 1) }, finding: "no segment holds them"))
                return
            case .bad(let finding):
                guard try skip(finding, &reader, end) else { return }
            }
        }
    }

    /// Steps over a bad place to the next frame; false when none follows in this segment.
    private mutating func skip(
        _ finding: String, _ reader: inout SegmentReader, _ end: LSN?
    ) throws(FileFailure) -> Bool {
        let (offset, first) = (reader.offset, reader.nextLSN)
        var lost = Missing(
            kind: .damage, file: reader.path, bytes: offset..<offset, first: first, last: nil,
            finding: finding)
        let isPromised = end == nil ? try reader.proofOfPromise() != nil : true
        let goesOn = try reader.resume()
        let stop = goesOn ? reader.offset : try reader.endOfContent()
        lost.bytes = offset..<stop
        // The start would cut it, with whole frames behind it too.
        if !isPromised { lost.kind = .tornTail }
        if goesOn {
            lost.last = LSN(reader.nextLSN.value - 1)
        } else if let end {
            lost.last = LSN(end.value - 1)
        } else {
            note(LSN(first.value, farther: stop - offset))
        }
        // A lost sync frame takes no record with it.
        if goesOn, reader.nextLSN == first { lost.last = LSN(first.value - 1) }
        missing.append(lost)
        return goesOn
    }
}

extension LSN {
    /// The greatest that a record so many bytes behind `value` can have: each takes a header at least.
    fileprivate init(_ value: UInt64, farther bytes: Int) {
        let (sum, overflow) = value.addingReportingOverflow(
            UInt64(bytes / FrameHeader.byteCount))
        self.init(overflow ? UInt64.max / 2 : sum)
    }
}
