import Glibc
import SystemIO
import Testing

struct PosixFileSystemTests {
    private let root: String

    init() throws {
        var template = Array("/tmp/s3remedy-io-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private let fileSystem = PosixFileSystem()

    private func bytes(of file: any OpenFile, _ offset: Int, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        let read = try file.read(into: &raw, at: offset)
        return Array(bytes.prefix(read))
    }

    @Test func `what is written is read back, and a read ends at the end of the file`() throws {
        let file = try fileSystem.open(root + "/a", .create)
        try file.write(([1, 2, 3, 4] as [UInt8]).span.bytes, at: 2)
        try file.syncData()
        try file.sync()
        #expect(try file.size() == 6)
        #expect(try bytes(of: file, 1, 10) == [0, 1, 2, 3, 4])
        try file.truncate(to: 3)
        #expect(try bytes(of: file, 0, 10) == [0, 0, 1])
        try file.allocate(8)
        #expect(try bytes(of: file, 0, 10) == [0, 0, 1, 0, 0, 0, 0, 0])
        removeAll()
    }

    @Test func `names are made, listed, renamed and removed`() throws {
        try fileSystem.makeDirectory(root + "/d")
        try fileSystem.makeDirectory(root + "/d")
        _ = try fileSystem.open(root + "/d/a", .create)
        try fileSystem.rename(root + "/d/a", to: root + "/d/b")
        try fileSystem.syncDirectory(root + "/d")
        #expect(try fileSystem.names(in: root + "/d") == ["b"])
        try fileSystem.remove(root + "/d/b")
        #expect(try fileSystem.names(in: root + "/d") == [])
        #expect(try fileSystem.availableBytes(at: root) > 0)
        removeAll()
    }

    @Test func `a failure names the call, the path and the reason`() throws {
        do {
            _ = try fileSystem.open(root + "/none", .modify)
            Issue.record("opened")
        } catch {
            #expect(error == FileFailure(operation: "open", path: root + "/none", errno: ENOENT))
            #expect(error.isNotFound)
            #expect(error.description == "open \(root)/none: No such file or directory (errno 2)")
        }
        _ = try fileSystem.open(root + "/a", .create)
        #expect(throws: FileFailure(operation: "open", path: root + "/a", errno: EEXIST)) {
            _ = try fileSystem.open(root + "/a", .create)
        }
        #expect(throws: FileFailure.self) { try fileSystem.names(in: root + "/none") }
        removeAll()
    }

    @Test func `a lock is held by one open file until it closes`() throws {
        let second = try fileSystem.open(root + "/lock", .modifyOrCreate)
        do {
            let first = try fileSystem.open(root + "/lock", .modifyOrCreate)
            #expect(try first.tryLock())
            #expect(try !second.tryLock())
        }
        #expect(try second.tryLock())
        removeAll()
    }

    @Test func `descriptors are closed on exec`() throws {
        let file = try fileSystem.open(root + "/a", .create)
        var checked = 0
        for name in try fileSystem.names(in: "/proc/self/fd") {
            guard let descriptor = Int32(name) else { continue }
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/" + name, &target, 4095)
            let path = target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
            guard String(decoding: path, as: UTF8.self) == file.path else { continue }
            #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
            checked += 1
        }
        #expect(checked == 1)
        removeAll()
    }

    private func removeAll() {
        for name in (try? fileSystem.names(in: root)) ?? [] {
            if unlink(root + "/" + name) != 0 { rmdir(root + "/" + name) }
        }
        rmdir(root)
    }
}

struct RandomTests {
    @Test func `a seed decides all numbers`() {
        let (first, second) = (SeededRandom(seed: 1), SeededRandom(seed: 1))
        let numbers = (0..<100).map { _ in first.next() }
        #expect(numbers == (0..<100).map { _ in second.next() })
        #expect(Set(numbers).count == 100)
        #expect(SeededRandom(seed: 2).next() != numbers[0])
        #expect(SystemRandom().next() != SystemRandom().next())
    }

    @Test func `SplitMix64 gives its published numbers`() {
        let random = SeededRandom(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }
}
