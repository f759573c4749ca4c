package import SystemIO

/// The daemon's state directory, held by this process alone until the last reference goes: the first thing to do with
/// `state.directory`, before the store is opened. `wal verify` and `dump` read without it.
package final class StateDirectory: Sendable {
    package let path: String
    package let fileSystem: any FileSystem
    private let lockFile: any OpenFile

    private init(path: String, fileSystem: any FileSystem, lockFile: any OpenFile) {
        self.path = path
        self.fileSystem = fileSystem
        self.lockFile = lockFile
    }

    /// Makes the directory if need be and takes `flock` on its file `lock`, or throws `directoryInUse`. `holder` says
    /// who holds it from now on: process ID and version, one line.
    package static func lock(
        _ path: String, fileSystem: any FileSystem, holder: String
    ) throws(LogFailure) -> StateDirectory {
        let other: String
        do throws(FileFailure) {
            try fileSystem.makeDirectory(path)
            try syncParent(of: path, fileSystem)
            let file = try fileSystem.open(path + "/lock", .modifyOrCreate)
            if try file.tryLock() {
                let line = Array((holder + "\n").utf8)
                try file.truncate(to: 0)
                try unsafe file.write(line.span.bytes, at: 0)
                return StateDirectory(path: path, fileSystem: fileSystem, lockFile: file)
            }
            other = try Self.holder(in: file)
        } catch { throw .ioFailed(error) }
        throw .directoryInUse(path: path, holder: other)
    }

    /// Who holds the directory now: one line; nil when nobody does. For commands that only read: it takes the lock for
    /// an instant when it is free, and makes no file.
    package static func holder(
        of path: String, fileSystem: any FileSystem
    ) throws(FileFailure) -> String? {
        do throws(FileFailure) {
            let file = try fileSystem.open(path + "/lock", .read)
            return try file.tryLock() ? nil : try holder(in: file)
        } catch  where error.isNotFound { return nil }
    }

    private static func holder(in file: any OpenFile) throws(FileFailure) -> String {
        var line = [UInt8](repeating: 0, count: 200)
        let count = try line.fill(from: file, at: 0)
        let printable = line.prefix(count).prefix { (0x20..<0x7F).contains($0) }
        return String(decoding: printable, as: UTF8.self)
    }

    /// Makes the directory's own name durable: else a power cut takes the directory with all that was acknowledged.
    /// A parent that this user may not read was made, and this directory in it, by somebody else before.
    private static func syncParent(
        of path: String, _ fileSystem: any FileSystem
    ) throws(FileFailure) {
        do { try fileSystem.syncDirectory(parent(of: path)) } catch  where error.isPermissionDenied
        {}
    }

    /// The directory that holds `path`.
    package static func parent(of path: String) -> String {
        let parts = path.split(separator: "/").dropLast()
        return (path.hasPrefix("/") ? "/" : "./") + parts.joined(separator: "/")
    }

    /// Where the segments are.
    package var logPath: String { path + "/wal" }
}

/// The names of the log's files.
package enum LogFileName {
    static let inTheMaking = "next.tmp"

    package static func segment(_ firstLSN: LSN) -> String {
        padded(firstLSN.value, 20) + ".wal"
    }

    /// The first LSN in a segment's name; nil for any other name.
    package static func firstLSN(ofSegment name: String) -> LSN? {
        guard name.hasSuffix(".wal"), name.utf8.count == 24,
            let value = UInt64(name.dropLast(4)), value > 0, segment(LSN(value)) == name
        else { return nil }
        return LSN(value)
    }

    static func torn(number: UInt64, segment: LSN, offset: Int) -> String {
        padded(number, 10) + "-" + padded(segment.value, 20) + "-" + String(offset) + ".torn"
    }

    /// The number in a torn tail's name; nil for any other name.
    static func number(ofTorn name: String) -> UInt64? {
        name.hasSuffix(".torn") ? UInt64(name.prefix(10)) : nil
    }

    private static func padded(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
