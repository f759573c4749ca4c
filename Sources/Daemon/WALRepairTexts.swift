internal import WriteAheadLog

// What `wal adopt` and `wal salvage` say: what was accepted, what is missing, and what to do next.

func describe(_ outcome: LogAdoption.Outcome, _ directory: String) -> (String, Int32) {
    switch outcome {
    case .nothingToAccept:
        return (
            "log and store in \(directory) belong together: nothing to accept, nothing changed", 0
        )
    case .refused(let failure):
        return ("not adopted, nothing changed: \(failure)", 78)
    case .finished(let replaced):
        return (
            lines(
                "finished what an earlier 'wal adopt' had begun", oldLog(replaced),
                "next: start the daemon (systemctl start s3remedyd)"), 0
        )
    case .adopted(let mismatch, let rewrite, let replaced):
        return (
            lines(
                "accepted: \(mismatch)", carried(rewrite),
                rewrite.missing.map { "missing: \(describe($0))" }.joined(separator: "\n"),
                oldLog(replaced), "next: start the daemon (systemctl start s3remedyd)"), 0
        )
    }
}

func describe(
    _ rewrite: LogRewrite, _ storeTrouble: String?, _ directory: String, _ target: String
) -> String {
    let left =
        rewrite.missing.isEmpty
        ? "nothing was left out"
        : rewrite.missing.map { "left out: \(describe($0))" }.joined(separator: "\n")
    let store =
        storeTrouble.map {
            "left out: the failure store (\($0)). What it had applied and the log no longer holds is gone"
        } ?? "the failure store was copied"
    return lines(
        "written: \(target)", carried(rewrite), left, store,
        "unchanged: \(directory)",
        "next: keep \(directory) as it is, set state.directory to \(target) (or move both directories), "
            + "give it to the daemon's user (chown -R --reference=\(directory) \(target)), and start the daemon"
    )
}

private func carried(_ rewrite: LogRewrite) -> String {
    let first = rewrite.mark.appliedLSN.value + 1
    let numbers =
        rewrite.carried == 0
        ? "" : ", as LSN \(first) to \(rewrite.mark.appliedLSN.value + UInt64(rewrite.carried))"
    let old = rewrite.applied == 0 ? "" : "; \(rewrite.applied) more were in the store already"
    return
        "carried over: \(rewrite.carried) records that the store has not\(numbers)\(old). One that it "
        + "had got by another log counts as a redelivery"
}

private func oldLog(_ replaced: String?) -> String {
    replaced.map { "the old log is kept as \($0); remove it when nobody asks for it any more" }
        ?? "there was no old log"
}

private func describe(_ missing: ReadableLog.Missing) -> String {
    let records: String
    switch missing.last {
    case let last? where last < missing.first: records = "no record"
    case let last? where last == missing.first: records = "LSN \(last)"
    case let last?: records = "LSN \(missing.first) to \(last)"
    case nil: records = "LSN \(missing.first) and what may have stood behind it"
    }
    let kind =
        switch missing.kind {
        case .tornTail: "torn tail, never acknowledged as far as the log shows"
        case .damage: "damage"
        case .gap: "gap"
        case .newerFormat: "newer format"
        }
    let place =
        missing.bytes.isEmpty
        ? missing.file
        : "\(missing.file) bytes \(missing.bytes.lowerBound) to \(missing.bytes.upperBound)"
    return "\(records) (\(kind)): \(place): \(missing.finding)"
}

private func lines(_ texts: String...) -> String {
    texts.filter { !$0.isEmpty }.joined(separator: "\n")
}
