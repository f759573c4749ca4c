import ArgumentParser
import CSystem
import Foundation
import Glibc
import Synchronization

/// Time, processor time, syncs and memory from `init` on.
struct Measurement {
    private let began = ContinuousClock.now
    private let cpu = processorSeconds()
    private let syncs = syncCount.load(ordering: .relaxed)

    /// - Parameter records: how many were done meanwhile.
    func result(records: Int) -> Result {
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        return Result(
            records: records, seconds: seconds, recordsPerSecond: Double(records) / seconds,
            cpuMicroseconds: (processorSeconds() - cpu) * 1e6 / Double(max(records, 1)),
            syncs: syncCount.load(ordering: .relaxed) - syncs,
            residentMiB: memoryMiB("VmRSS"), peakMiB: memoryMiB("VmHWM"))
    }

    struct Result: Encodable {
        var records: Int
        var seconds: Double
        var recordsPerSecond: Double
        /// Per record, all threads.
        var cpuMicroseconds: Double
        /// fdatasync and fsync together.
        var syncs: Int
        var residentMiB: Double
        var peakMiB: Double
    }

    /// Several measurements as one, what came between them left out.
    struct Total {
        private(set) var result = Result(
            records: 0, seconds: 0, recordsPerSecond: 0, cpuMicroseconds: 0, syncs: 0,
            residentMiB: 0, peakMiB: 0)

        mutating func add(_ next: Result) {
            let cpu =
                result.cpuMicroseconds * Double(result.records)
                + next.cpuMicroseconds * Double(max(next.records, 1))
            result.records += next.records
            result.seconds += next.seconds
            result.recordsPerSecond = Double(result.records) / result.seconds
            result.cpuMicroseconds = cpu / Double(max(result.records, 1))
            result.syncs += next.syncs
            result.residentMiB = next.residentMiB
            result.peakMiB = next.peakMiB
        }
    }
}

func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
}

/// User and system time of this process in seconds.
private func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) {
        $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
    }
}

/// A line of /proc/self/status: VmRSS, or VmHWM for the peak.
private func memoryMiB(_ name: String) -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    let kibibytes = line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) }
    return (kibibytes ?? 0) / 1024
}

/// A sync costs nothing in memory, so nothing that is measured there means anything.
func refuseMemoryFileSystem(_ directory: String) throws {
    let type = file_system_type(directory)
    guard type >= 0 else {
        throw ValidationError("\(directory): \(String(cString: strerror(errno)))")
    }
    // statfs(2): TMPFS_MAGIC and RAMFS_MAGIC.
    if [0x0102_1994, 0x8584_58f6].contains(type) {
        throw ValidationError(
            "\(directory) is on tmpfs, where a sync costs nothing: name a directory on a disk")
    }
}
