internal import Glibc
internal import Synchronization
package import SystemIO

// A file system in memory that loses what POSIX lets a file system lose, and fails where a test wants it.
//
// THE FAULT MODEL
//
// Content. What is written is seen at once by every reader and is *volatile* until `sync` or `syncData` of that file
// returns. A change of a file's size is a change like any other: volatile, and one that another may overtake.
// Names. A name made, removed or moved in a directory is seen at once and volatile until `syncDirectory` of that
// directory returns; so is a directory's own name in its parent. Syncing a file does not make its name durable.
//
// A crash keeps of every file a seeded random subset of the unsynced changes, each write torn at multiples of 512
// bytes of the file: a sector is old or new, in any combination, and whether the size grew is decided apart from what
// was written there (a grown part that was not written reads as zeros). It keeps of every directory a random subset
// of the unsynced changes of names; a rename is kept or lost as a whole. How much is kept differs from seed to seed,
// from nothing to all. Sectors never rot: what was synced is there.
//
// Failures. Any call, counted from 1 over the disk's life, can fail:
// - `refused`: nothing was done. A *sync* refused has written a random half of the unsynced changes all the same, and
//   the others are forgotten as the kernel forgets them: they are still read, a later sync does not write them, and a
//   crash loses them. A refused sync of a directory leaves its names volatile.
// - `short`: a write or a reservation did the first half of its work; any other call as `refused`.
// - `late`: the call did all its work and then reported the failure.
//
// `stop(afterCall:)` is the moment of a crash: from then on every call fails with EIO and changes nothing, so that the
// program comes to its end by itself; `crashed(seed:)` is the disk that the next start finds. `copy()` is what a
// restart without a crash finds: all that is seen, locks given up.

/// See the fault model at the top of the file.
package final class SimulatedDisk: FileSystem {
    package enum Fault: Sendable {
        case refused(Int32)
        case short(Int32)
        case late(Int32)

        var errno: Int32 {
            switch self {
            case .refused(let errno), .short(let errno), .late(let errno): errno
            }
        }
    }

    private struct State {
        var tree = SimulatedTree()
        /// The operations' names, in order.
        var calls: [String] = []
        var faults: [Int: Fault] = [:]
        var lastCall = Int.max
        var nextHandle = 0
    }

    private let state: Mutex<State>

    /// An empty disk with the directory `/`; files take at most `capacity` bytes together.
    package init(capacity: Int = .max) {
        state = Mutex(State(tree: SimulatedTree(capacity: capacity)))
    }

    private init(tree: SimulatedTree) {
        state = Mutex(State(tree: tree))
    }

    /// The operations called so far, in order: `open`, `pwrite`, `fdatasync` and so on.
    package var calls: [String] { state.withLock { $0.calls } }

    /// How often each operation was called.
    package var callCounts: [String: Int] {
        calls.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// Makes the call with this number, counted from 1 over the disk's life, fail.
    package func fail(call number: Int, _ fault: Fault) {
        state.withLock { $0.faults[number] = fault }
    }

    /// After the call with this number every call fails with EIO and changes nothing.
    package func stop(afterCall number: Int) {
        state.withLock { $0.lastCall = number }
    }

    /// The disk after a power cut now; this one stays as it is.
    package func crashed(seed: UInt64) -> SimulatedDisk {
        SimulatedDisk(tree: state.withLock { $0.tree.crashed(seed: seed) })
    }

    /// The disk after the death of all processes now; this one stays as it is.
    package func copy() -> SimulatedDisk {
        SimulatedDisk(tree: state.withLock { $0.tree.unlocked() })
    }

    fileprivate func run<Answer: Sendable>(
        _ operation: String, _ path: String,
        short: ((inout SimulatedTree) -> Void)? = nil,
        refused: ((inout SimulatedTree, UInt64) -> Void)? = nil,
        _ body: (inout SimulatedTree) throws(FileFailure) -> Answer
    ) throws(FileFailure) -> Answer {
        let outcome: Result<Answer, FileFailure> = state.withLock { state in
            let failed = { FileFailure(operation: operation, path: path, errno: $0) }
            guard state.calls.count < state.lastCall else { return .failure(failed(EIO)) }
            state.calls.append(operation)
            let number = state.calls.count
            switch state.faults[number] {
            case .late(let errno):
                _ = try? body(&state.tree)
                return .failure(failed(errno))
            case .short(let errno) where short != nil:
                short?(&state.tree)
                return .failure(failed(errno))
            case .some(let fault):
                refused?(&state.tree, UInt64(number))
                return .failure(failed(fault.errno))
            case nil:
                do throws(FileFailure) { return .success(try body(&state.tree)) } catch {
                    return .failure(
                        FileFailure(operation: operation, path: path, errno: error.errno))
                }
            }
        }
        return try outcome.get()
    }

    fileprivate func release(_ handle: Int, _ file: Int) {
        state.withLock { $0.tree.unlock(file, by: handle) }
    }
}

extension SimulatedDisk {
    package func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any OpenFile {
        let file = try run("open", path) { (tree) throws(FileFailure) in
            try tree.open(path, access)
        }
        let handle = state.withLock { state in
            state.nextHandle += 1
            return state.nextHandle
        }
        var isReadOnly = false
        if case .read = access { isReadOnly = true }
        return SimulatedFile(
            disk: self, path: path, file: file, handle: handle, isReadOnly: isReadOnly)
    }

    package func makeDirectory(_ path: String) throws(FileFailure) {
        try run("mkdir", path) { (tree) throws(FileFailure) in try tree.makeDirectory(path) }
    }

    package func names(in directory: String) throws(FileFailure) -> [String] {
        try run("opendir", directory) { (tree) throws(FileFailure) in
            try tree.names(in: directory)
        }
    }

    package func rename(_ source: String, to destination: String) throws(FileFailure) {
        try run("rename", source) { (tree) throws(FileFailure) in
            try tree.rename(source, to: destination)
        }
    }

    package func remove(_ path: String) throws(FileFailure) {
        try run("unlink", path) { (tree) throws(FileFailure) in try tree.remove(path) }
    }

    package func syncDirectory(_ path: String) throws(FileFailure) {
        try run("fsync", path) { (tree) throws(FileFailure) in try tree.syncDirectory(path) }
    }

    package func availableBytes(at path: String) throws(FileFailure) -> Int {
        try run("statvfs", path) { (tree) throws(FileFailure) in
            try tree.availableBytes(at: path)
        }
    }
}

private final class SimulatedFile: OpenFile {
    let disk: SimulatedDisk
    let path: String
    let file: Int
    let handle: Int
    let isReadOnly: Bool

    init(disk: SimulatedDisk, path: String, file: Int, handle: Int, isReadOnly: Bool) {
        self.disk = disk
        self.path = path
        self.file = file
        self.handle = handle
        self.isReadOnly = isReadOnly
    }

    deinit { disk.release(handle, file) }

    func size() throws(FileFailure) -> Int {
        try disk.run("fstat", path) { (tree) throws(FileFailure) in tree.content(file).count }
    }

    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(FileFailure) -> Int {
        let wanted = bytes.byteCount
        let part = try disk.run("pread", path) { (tree) throws(FileFailure) in
            tree.content(file, offset, wanted)
        }
        bytes.withUnsafeMutableBytes { $0.copyBytes(from: part) }
        return part.count
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(FileFailure) {
        let content = bytes.withUnsafeBytes { Array($0) }
        let half = Array(content.prefix(content.count / 2))
        try disk.run(
            "pwrite", path, short: { [file] in try? $0.write(half, to: file, at: offset) }
        ) { (tree) throws(FileFailure) in
            try checkWritable(EBADF)
            try tree.write(content, to: file, at: offset)
        }
    }

    func syncData() throws(FileFailure) {
        try sync("fdatasync")
    }

    func sync() throws(FileFailure) {
        try sync("fsync")
    }

    private func sync(_ operation: String) throws(FileFailure) {
        try disk.run(operation, path, refused: { [file] in $0.loseUnsynced(of: file, seed: $1) }) {
            (tree) throws(FileFailure) in tree.sync(file)
        }
    }

    func truncate(to size: Int) throws(FileFailure) {
        try disk.run("ftruncate", path) { (tree) throws(FileFailure) in
            try checkWritable(EINVAL)
            try tree.resize(file, to: size)
        }
    }

    func allocate(_ size: Int) throws(FileFailure) {
        try disk.run(
            "posix_fallocate", path, short: { [file] in try? $0.grow(file, to: size / 2) }
        ) { (tree) throws(FileFailure) in
            try checkWritable(EBADF)
            try tree.grow(file, to: size)
        }
    }

    func tryLock() throws(FileFailure) -> Bool {
        try disk.run("flock", path) { (tree) throws(FileFailure) in
            tree.lock(file, by: handle)
        }
    }

    private func checkWritable(_ errno: Int32) throws(FileFailure) {
        if isReadOnly { throw FileFailure(operation: "", path: path, errno: errno) }
    }
}
