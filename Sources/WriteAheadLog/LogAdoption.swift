package import SystemIO

/// `wal adopt`: makes a pair of a log and a store that the start refused as no pair. Never of a damaged log.
///
/// Steps, each durable before the next: the fresh log in `wal.adopting`; the store takes its mark; `wal` becomes
/// `wal.replaced-N`, and `wal.adopting` becomes `wal`. A crash before the store's step leaves everything as it was;
/// after it, the store's ID is that of `wal.adopting`, and the next call goes on from there.
package struct LogAdoption: Sendable {
    package enum Outcome: Sendable {
        /// The start would not refuse them.
        case nothingToAccept
        /// The start's refusal is no mismatch: damage, or a newer format.
        case refused(LogFailure)
        /// What was accepted, what became of the log, and where the old one is now; nil when there was none.
        case adopted(accepted: LogMismatch, LogRewrite, replaced: String?)
        /// An earlier call had come as far as the store.
        case finished(replaced: String?)
    }

    private let state: StateDirectory
    private let random: any RandomSource
    private let segmentBytes: Int

    private var adopting: String { state.path + "/wal.adopting" }

    package init(
        _ state: StateDirectory, random: any RandomSource,
        segmentBytes: Int = LogOptions().segmentBytes
    ) {
        self.state = state
        self.random = random
        self.segmentBytes = segmentBytes
    }

    /// - Parameters:
    ///   - store: as it is now.
    ///   - setMark: makes the store remember the mark, durably, or throws.
    package nonisolated(nonsending) func run(
        store: StoreMark, setMark: (StoreMark) async throws -> Void
    ) async throws -> Outcome {
        if try isHalfDone(store) { return .finished(replaced: try exchange()) }
        let recovery = Recovery(state: state, store: store, options: LogOptions(), random: random)
        guard let refusal = try recovery.refusal() else { return .nothingToAccept }
        guard case .doesNotBelong(let mismatch, _) = refusal else { return .refused(refusal) }
        let seen = try ReadableLog(in: state.logPath, state.fileSystem)
        if let damage = damage(in: seen, store) { return .refused(damage) }
        let rewrite = try LogRewrite(
            of: seen, into: adopting, store: store, random: random, segmentBytes: segmentBytes)
        try state.fileSystem.syncDirectory(state.path)
        try await setMark(rewrite.mark)
        return .adopted(accepted: mismatch, rewrite, replaced: try exchange())
    }

    /// The start meets one trouble at a time; adopting must not pass over damage behind a mismatch.
    private func damage(in log: ReadableLog, _ store: StoreMark) -> LogFailure? {
        let isPartner = store.logID.map { log.logIDs == [$0] } ?? false
        let lost = log.missing.first { missing in
            // What the store has, nobody misses.
            let isApplied = isPartner && missing.last.map { $0 <= store.appliedLSN } ?? false
            return missing.kind == .damage && !isApplied
        }
        guard let place = lost else { return nil }
        return .damaged(
            LogDamage(
                file: place.file, offset: place.bytes.lowerBound, lsn: place.first,
                finding: place.finding, directory: state.path))
    }

    private func isHalfDone(_ store: StoreMark) throws(FileFailure) -> Bool {
        guard let logID = store.logID else { return false }
        return try ReadableLog(in: adopting, state.fileSystem).logIDs == [logID]
    }

    /// Puts the fresh log into the place of the old one; where that is now.
    private func exchange() throws(FileFailure) -> String? {
        let fileSystem = state.fileSystem
        let names = try fileSystem.names(in: state.path)
        var replaced: String?
        if names.contains("wal") {
            var number = 1
            while names.contains("wal.replaced-\(number)") { number += 1 }
            let path = state.path + "/wal.replaced-\(number)"
            try fileSystem.rename(state.logPath, to: path)
            // Else a power cut may keep the second name alone, and the old log has none.
            try fileSystem.syncDirectory(state.path)
            replaced = path
        }
        try fileSystem.rename(adopting, to: state.logPath)
        try fileSystem.syncDirectory(state.path)
        return replaced
    }
}
