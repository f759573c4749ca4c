internal import Domain
internal import LogRecords
internal import SystemIO
internal import WriteAheadLog

/// `s3remedyd wal verify`: reads every frame of the log and says what it found. Returns what to print, and the exit
/// status: 0 clean or with a torn tail only, 78 damaged or no log, 1 when it cannot be read.
package func verifyLog(directory: String) -> (text: String, status: Int32) {
    let subject = LogSubject(directory)
    do throws(FileFailure) {
        let holder = try subject.holder()
        let log = try LogInspection(
            directory: subject.directory, fileSystem: subject.fileSystem, isLive: holder != nil)
        guard !log.segments.isEmpty else { return (subject.noLog, 78) }
        var lines = holder.map { [subject.liveNotice($0)] } ?? []
        lines += ["log \(log.logID.map { "\($0)" } ?? "of unknown ID") in \(subject.directory)/wal"]
        lines += log.segments.map(describe)
        for name in log.tornTails { lines.append("\(name): cut by an earlier start, kept for you") }
        lines += log.problems.map(describe)
        let (verdict, status) = judge(log, subject.directory)
        return ((lines + [verdict]).joined(separator: "\n"), status)
    } catch { return subject.unreadable(error) }
}

/// `s3remedyd wal dump`: hands one line per readable record to `write`. Returns what to say beside them, and the exit
/// status as in `verifyLog`.
package func dumpLog(
    directory: String, write: (String) -> Void
) -> (text: String, status: Int32) {
    let subject = LogSubject(directory)
    do throws(FileFailure) {
        let holder = try subject.holder()
        let log = try LogInspection(
            directory: subject.directory, fileSystem: subject.fileSystem, isLive: holder != nil
        ) { record, _ in write(describe(record)) }
        guard !log.segments.isEmpty else { return (subject.noLog, 78) }
        let notice = holder.map { [subject.liveNotice($0)] } ?? []
        if log.problems.isEmpty { return (notice.joined(), 0) }
        let (verdict, status) = judge(log, subject.directory)
        return ((notice + log.problems.map(describe) + [verdict]).joined(separator: "\n"), status)
    } catch { return subject.unreadable(error) }
}

struct LogSubject {
    let directory: String
    let fileSystem = PosixFileSystem()

    init(_ directory: String) {
        let trimmed = directory.reversed().drop { $0 == "/" }.reversed()
        self.directory = trimmed.isEmpty ? "/" : String(trimmed)
    }

    func holder() throws(FileFailure) -> String? {
        try StateDirectory.holder(of: directory, fileSystem: fileSystem)
    }

    func liveNotice(_ holder: String) -> String {
        "a daemon holds this directory (\(holder)) and goes on writing: read without its lock, as of now"
    }

    var noLog: String {
        "\(directory)/wal holds no log segment: name the state.directory of the configuration, "
            + "the one with the files lock and wal"
    }

    func unreadable(_ failure: FileFailure) -> (text: String, status: Int32) {
        if failure.isNotFound { return ("\(failure); \(noLog)", 78) }
        return ("cannot read the log: \(failure); run this as root or as the daemon's user", 1)
    }
}

private func describe(_ segment: LogInspection.Segment) -> String {
    var text = segment.path.split(separator: "/").last.map(String.init) ?? segment.path
    text +=
        segment.recordFrames == 0
        ? ": no records" : ": LSN \(segment.firstLSN) to \(segment.lastLSN)"
    text += ", \(segment.recordFrames) record frames, \(segment.syncFrames) sync frames"
    text += ", all up to LSN \(segment.promise) promised"
    if let offset = segment.overlapOffset {
        text +=
            "; from offset \(offset) on repeated in the next segment (no loss, the next start cuts it)"
    }
    return text
}

private func describe(_ problem: LogProblem) -> String {
    let kind =
        switch problem.kind {
        case .damage: "DAMAGE"
        case .tornTail: "torn tail"
        case .gap: "GAP"
        case .otherLog: "OTHER LOG"
        case .newerFormat: "NEWER FORMAT"
        }
    return
        "\(kind): \(problem.file) offset \(problem.offset), LSN \(problem.lsn): \(problem.finding)"
}

private func judge(_ log: LogInspection, _ directory: String) -> (String, Int32) {
    let problems = log.problems
    if problems.isEmpty { return ("clean: every record can be read", 0) }
    if problems.allSatisfy({ $0.kind == .tornTail }) {
        return (
            "clean but for a torn tail, as a power cut or kill leaves it: the next start keeps a copy "
                + "(*.torn) and cuts it. If the store has applied those records the start refuses instead",
            0
        )
    }
    return (
        "damaged: \(problems.count) problem\(problems.count == 1 ? "" : "s"). Change nothing in "
            + "\(directory): check the disk first (dmesg, smartctl), see what can be read "
            + "(s3remedyd wal dump \(directory)), then write that into a new directory: "
            + "s3remedyd wal salvage \(directory)",
        78
    )
}

/// LSN, type, bytes, kind, and what the record says; tabs between, everything from outside percent-encoded.
private func describe(_ record: LogRecord) -> String {
    let start = "\(record.lsn)\trecord\t\(record.payload.count)\t"
    do throws(PayloadError) {
        switch try LogPayload(decoding: record.payload) {
        case .event(let event):
            let fields = [
                "bucket=\(safe(event.sourceBucket))", "rule=\(safe(event.ruleID))",
                "key=\(event.key.encoded)", "version=\(safe(event.versionID))",
                "reason=\(safe(event.reason ?? "-"))",
            ]
            return start + "\(event.name)\t" + fields.joined(separator: " ")
        case .quarantined(let message):
            return start
                + "quarantined\tqueue=\(safe(message.queueURL)) message=\(safe(message.messageID)) "
                + "problem=\(safe(message.problem))"
        case .notificationTest(let test):
            return start
                + "notificationTest\tqueue=\(safe(test.queueURL)) bucket=\(safe(test.bucket))"
        }
    } catch { return start + "undecodable\t\(error)" }
}

/// Printable ASCII without spaces and `%` as it is, every other byte as `%XX`.
private func safe(_ text: String) -> String {
    text.utf8.map { byte in
        if (0x21..<0x7F).contains(byte) && byte != UInt8(ascii: "%") {
            return String(UnicodeScalar(byte))
        }
        return (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
    }.joined()
}
