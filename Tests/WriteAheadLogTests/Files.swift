import Glibc
import SystemIO

func makeTemporaryDirectory() throws -> String {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((parent + "/s3remedy-wal-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
        throw FileFailure(operation: "mkdtemp", path: parent, errno: errno)
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Removes a directory of files and directories of files.
func removeTree(_ path: String) {
    for name in (try? PosixFileSystem().names(in: path)) ?? [] {
        if unlink(path + "/" + name) != 0 { removeTree(path + "/" + name) }
    }
    rmdir(path)
}

func read(_ path: String) throws -> [UInt8] {
    let file = try PosixFileSystem().open(path, .read)
    var bytes = [UInt8](repeating: 0, count: try file.size())
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    _ = try file.read(into: &raw, at: 0)
    return bytes
}

func write(_ bytes: [UInt8], to path: String) throws {
    let file = try PosixFileSystem().open(path, .modifyOrCreate)
    try file.truncate(to: 0)
    try file.write(bytes.span.bytes, at: 0)
}

/// Runs long work on a thread of its own: on the cooperative pool, which has as many threads as there are cores, it would
/// hold up every other test.
func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let queue = QueueExecutor.blocking("test")
    return try await Task(executorPreference: queue.tasks, operation: body).value
}
