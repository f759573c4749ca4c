import Synchronization
import SystemIO

/// The operating system's files, with a record of what was done and failures where a test wants them.
final class ScriptedFileSystem: FileSystem {
    struct Call: Equatable, Sendable {
        let operation: String
        /// The last part of the path.
        let name: String
    }

    private struct State {
        var calls: [Call] = []
        var rule: (@Sendable (Call) -> Int32?)?
        var available: Int?
        var watchers: [(count: Int, call: Call, continuation: CheckedContinuation<Void, Never>)] =
            []
    }

    private let state = Mutex(State())
    private let posix = PosixFileSystem()

    var calls: [Call] { state.withLock { $0.calls } }

    /// From now on a call for which `rule` answers an errno fails with it.
    func fail(_ rule: (@Sendable (Call) -> Int32?)?) {
        state.withLock { $0.rule = rule }
    }

    func setAvailable(_ bytes: Int?) {
        state.withLock { $0.available = bytes }
    }

    func forgetCalls() {
        state.withLock { $0.calls = [] }
    }

    /// Returns once `call` has been made and has returned `count` times.
    func wait(for call: Call, count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.calls.count(where: { $0 == call }) >= count { return true }
                state.watchers.append((count, call, continuation))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    fileprivate func run<Answer>(
        _ operation: String, _ path: String, _ body: () throws(FileFailure) -> Answer
    ) throws(FileFailure) -> Answer {
        let name = String(path.split(separator: "/").last ?? "")
        let call = Call(operation: operation, name: name)
        let rule = state.withLock { $0.rule }
        if let errno = rule?(call) {
            note(call)
            throw FileFailure(operation: operation, path: path, errno: errno)
        }
        let answer = try body()
        note(call)
        return answer
    }

    private func note(_ call: Call) {
        let ready = state.withLock { state in
            state.calls.append(call)
            let done = state.calls.count { $0 == call }
            let ready = state.watchers.filter { $0.call == call && $0.count <= done }
            state.watchers.removeAll { $0.call == call && $0.count <= done }
            return ready
        }
        for watcher in ready { watcher.continuation.resume() }
    }

    func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any OpenFile {
        let file = try run("open", path) { () throws(FileFailure) in try posix.open(path, access) }
        return ScriptedFile(file: file, path: path, fileSystem: self)
    }

    func makeDirectory(_ path: String) throws(FileFailure) {
        try run("mkdir", path) { () throws(FileFailure) in try posix.makeDirectory(path) }
    }

    func names(in directory: String) throws(FileFailure) -> [String] {
        try posix.names(in: directory)
    }

    func rename(_ source: String, to destination: String) throws(FileFailure) {
        try run("rename", destination) { () throws(FileFailure) in
            try posix.rename(source, to: destination)
        }
    }

    func remove(_ path: String) throws(FileFailure) {
        try run("unlink", path) { () throws(FileFailure) in try posix.remove(path) }
    }

    func syncDirectory(_ path: String) throws(FileFailure) {
        try run("fsync", path) { () throws(FileFailure) in try posix.syncDirectory(path) }
    }

    func availableBytes(at path: String) throws(FileFailure) -> Int {
        if let available = state.withLock({ $0.available }) { return available }
        return try posix.availableBytes(at: path)
    }
}

private final class ScriptedFile: OpenFile {
    let file: any OpenFile
    let path: String
    let fileSystem: ScriptedFileSystem

    init(file: any OpenFile, path: String, fileSystem: ScriptedFileSystem) {
        self.file = file
        self.path = path
        self.fileSystem = fileSystem
    }

    func size() throws(FileFailure) -> Int { try file.size() }

    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(FileFailure) -> Int {
        try file.read(into: &bytes, at: offset)
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(FileFailure) {
        try fileSystem.run("pwrite", path) { () throws(FileFailure) in }
        try file.write(bytes, at: offset)
    }

    func syncData() throws(FileFailure) {
        try fileSystem.run("fdatasync", path) { () throws(FileFailure) in try file.syncData() }
    }

    func sync() throws(FileFailure) {
        try fileSystem.run("fsync", path) { () throws(FileFailure) in try file.sync() }
    }

    func truncate(to size: Int) throws(FileFailure) {
        try fileSystem.run("ftruncate", path) { () throws(FileFailure) in
            try file.truncate(to: size)
        }
    }

    func allocate(_ size: Int) throws(FileFailure) {
        try fileSystem.run("posix_fallocate", path) { () throws(FileFailure) in
            try file.allocate(size)
        }
    }

    func tryLock() throws(FileFailure) -> Bool { try file.tryLock() }
}
