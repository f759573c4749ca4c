import Glibc
import SystemIO
import TestSupport
import Testing

enum Port: CaseIterable {
    case posix
    case simulated

    /// The port, and an empty directory of its own; `keep` holds that for as long as it lives.
    func bench() throws -> (fileSystem: any FileSystem, root: String, keep: TemporaryDirectory?) {
        switch self {
        case .posix:
            let directory = TemporaryDirectory()
            return (PosixFileSystem(), directory.path, directory)
        case .simulated:
            let disk = SimulatedDisk()
            try disk.makeDirectory("/state")
            return (disk, "/state", nil)
        }
    }
}

/// What every file system behind the port does, so that what is shown on the simulated disk holds on the real one.
struct FileSystemContract {
    private func bytes(of file: any OpenFile, _ offset: Int, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xAA, count: count)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        let read = try file.read(into: &raw, at: offset)
        return Array(bytes.prefix(read))
    }

    private func write(_ bytes: [UInt8], to file: any OpenFile, at offset: Int) throws {
        try file.write(bytes.span.bytes, at: offset)
    }

    private func expect(
        _ operation: String, _ path: String, _ errno: Int32,
        _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        #expect(
            throws: FileFailure(operation: operation, path: path, errno: errno),
            sourceLocation: location, performing: body)
    }

    @Test(arguments: Port.allCases)
    func `what is written is read back, and a read ends at the end of the file`(
        port: Port
    ) throws {
        let (fileSystem, root, keep) = try port.bench()
        defer { withExtendedLifetime(keep) {} }
        let file = try fileSystem.open(root + "/a", .create)
        #expect(try file.size() == 0)
        try write([1, 2, 3, 4], to: file, at: 2)
        try file.syncData()
        try file.sync()
        #expect(try file.size() == 6)
        #expect(try bytes(of: file, 1, 10) == [0, 1, 2, 3, 4])
        #expect(try bytes(of: file, 6, 10).isEmpty)
        #expect(try bytes(of: file, 99, 10).isEmpty)
        try write([], to: file, at: 50)
        #expect(try file.size() == 6)
        try write([9], to: file, at: 3)
        #expect(try bytes(of: file, 0, 6) == [0, 0, 1, 9, 3, 4])
        #expect(file.path == root + "/a")
    }

    @Test(arguments: Port.allCases)
    func `a file is cut, grows with zeros, and a reservation never shortens it`(
        port: Port
    ) throws {
        let (fileSystem, root, keep) = try port.bench()
        defer { withExtendedLifetime(keep) {} }
        let file = try fileSystem.open(root + "/a", .create)
        try write([1, 2, 3, 4], to: file, at: 0)
        try file.truncate(to: 3)
        try file.truncate(to: 5)
        #expect(try bytes(of: file, 0, 10) == [1, 2, 3, 0, 0])
        try file.allocate(8)
        #expect(try bytes(of: file, 0, 10) == [1, 2, 3, 0, 0, 0, 0, 0])
        try file.allocate(4)
        #expect(try file.size() == 8)
        expect("posix_fallocate", root + "/a", EINVAL) { try file.allocate(0) }
        expect("ftruncate", root + "/a", EINVAL) { try file.truncate(to: -1) }
    }

    @Test(arguments: Port.allCases)
    func `each access opens what it says`(port: Port) throws {
        let (fileSystem, root, keep) = try port.bench()
        defer { withExtendedLifetime(keep) {} }
        for access in [FileAccess.read, .modify] {
            expect("open", root + "/a", ENOENT) { _ = try fileSystem.open(root + "/a", access) }
        }
        try write([7], to: try fileSystem.open(root + "/a", .create), at: 0)
        expect("open", root + "/a", EEXIST) { _ = try fileSystem.open(root + "/a", .create) }
        for access in [FileAccess.read, .modify, .modifyOrCreate] {
            let file = try fileSystem.open(root + "/a", access)
            #expect(try bytes(of: file, 0, 9) == [7])
        }
        let reader = try fileSystem.open(root + "/a", .read)
        expect("pwrite", root + "/a", EBADF) { try write([1], to: reader, at: 0) }
        expect("ftruncate", root + "/a", EINVAL) { try reader.truncate(to: 0) }
        expect("posix_fallocate", root + "/a", EBADF) { try reader.allocate(9) }
        try reader.sync()
        #expect(try bytes(of: try fileSystem.open(root + "/a", .modify), 0, 9) == [7])
        _ = try fileSystem.open(root + "/b", .modifyOrCreate)
        #expect(try fileSystem.names(in: root).sorted() == ["a", "b"])
    }

    @Test(arguments: Port.allCases)
    func `names are made, listed, renamed and removed`(port: Port) throws {
        let (fileSystem, root, keep) = try port.bench()
        defer { withExtendedLifetime(keep) {} }
        try fileSystem.makeDirectory(root + "/d")
        try fileSystem.makeDirectory(root + "/d")
        #expect(try fileSystem.names(in: root + "/d").isEmpty)
        _ = try fileSystem.open(root + "/d/a", .create)
        try fileSystem.rename(root + "/d/a", to: root + "/d/b")
        try fileSystem.syncDirectory(root + "/d")
        #expect(try fileSystem.names(in: root + "/d") == ["b"])
        try fileSystem.remove(root + "/d/b")
        #expect(try fileSystem.names(in: root + "/d").isEmpty)
        #expect(try fileSystem.availableBytes(at: root) > 0)
    }

    @Test(arguments: Port.allCases)
    func `open files outlive their names`(port: Port) throws {
        let (fileSystem, root, keep) = try port.bench()
        defer { withExtendedLifetime(keep) {} }
        let old = try fileSystem.open(root + "/old", .create)
        try write([1], to: old, at: 0)
        let new = try fileSystem.open(root + "/new", .create)
        try write([2], to: new, at: 0)
        try fileSystem.rename(root + "/new", to: root + "/old")
        #expect(try bytes(of: old, 0, 9) == [1])
        #expect(try bytes(of: try fileSystem.open(root + "/old", .read), 0, 9) == [2])
        try write([3], to: new, at: 1)
        #expect(try bytes(of: try fileSystem.open(root + "/old", .read), 0, 9) == [2, 3])
        try fileSystem.remove(root + "/old")
        #expect(try bytes(of: new, 0, 9) == [2, 3])
        #expect(try fileSystem.names(in: root).isEmpty)
    }

    @Test(arguments: Port.allCases)
    func `a failure names the call, the path and the reason`(port: Port) throws {
        let (fileSystem, root, keep) = try port.bench()
        defer { withExtendedLifetime(keep) {} }
        let none = root + "/none"
        expect("unlink", none, ENOENT) { try fileSystem.remove(none) }
        expect("rename", none, ENOENT) { try fileSystem.rename(none, to: root + "/a") }
        expect("opendir", none, ENOENT) { _ = try fileSystem.names(in: none) }
        expect("open", none, ENOENT) {
            do { try fileSystem.syncDirectory(none) } catch let failure as FileFailure {
                // Which of the two calls inside says it is the port's own affair.
                throw FileFailure(operation: "open", path: failure.path, errno: failure.errno)
            }
        }
        expect("statvfs", none, ENOENT) { _ = try fileSystem.availableBytes(at: none) }
        expect("mkdir", none + "/a", ENOENT) { try fileSystem.makeDirectory(none + "/a") }
        expect("open", none + "/a", ENOENT) { _ = try fileSystem.open(none + "/a", .create) }
        _ = try fileSystem.open(root + "/f", .create)
        expect("open", root + "/f/a", ENOTDIR) { _ = try fileSystem.open(root + "/f/a", .create) }
        expect("opendir", root + "/f", ENOTDIR) { _ = try fileSystem.names(in: root + "/f") }
        try fileSystem.makeDirectory(root + "/d")
        expect("unlink", root + "/d", EISDIR) { try fileSystem.remove(root + "/d") }
        expect("open", root + "/d", EISDIR) { _ = try fileSystem.open(root + "/d", .modify) }
    }

    @Test(arguments: Port.allCases)
    func `a lock is held by one open file until it closes`(port: Port) throws {
        let (fileSystem, root, keep) = try port.bench()
        defer { withExtendedLifetime(keep) {} }
        let second = try fileSystem.open(root + "/lock", .modifyOrCreate)
        do {
            let first = try fileSystem.open(root + "/lock", .modifyOrCreate)
            #expect(try first.tryLock())
            #expect(try first.tryLock())
            #expect(try !second.tryLock())
        }
        #expect(try second.tryLock())
    }
}
