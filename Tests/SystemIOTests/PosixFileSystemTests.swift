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

    @Test func `a failure reads as a sentence`() throws {
        let failure = #expect(throws: FileFailure.self) {
            _ = try fileSystem.open(root + "/none", .modify)
        }
        #expect(failure?.isNotFound == true)
        #expect(
            failure?.description == "open \(root)/none: No such file or directory (errno 2)")
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
