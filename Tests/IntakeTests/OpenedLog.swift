import SystemIO
import WriteAheadLog

/// A new log in `directory`, with small segments unless `change` wants others.
func openLog(
    in directory: String, _ change: (inout LogOptions) -> Void = { _ in }
) throws -> SegmentedLog {
    var options = LogOptions()
    options.segmentBytes = 4 << 20
    options.minimumFreeBytes = 0
    change(&options)
    return try SegmentedLog.open(
        directory: StateDirectory.lock(directory, fileSystem: PosixFileSystem(), holder: "test"),
        clock: SystemClock(), random: SystemRandom(), executor: QueueExecutor.blocking("log"),
        helper: QueueExecutor.blocking("helper"), options: options,
        store: StoreMark(logID: nil, appliedLSN: .none)
    ).log
}
