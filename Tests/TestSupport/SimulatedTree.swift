internal import Glibc
internal import SystemIO

/// Files and directories as they are seen and as they are on the medium; see the fault model in SimulatedDisk.swift.
/// A value, so that a crash is a copy. Failures carry the errno alone: the disk fills in call and path.
struct SimulatedTree: Sendable {
    fileprivate enum Change {
        case write([UInt8], at: Int)
        case resize(Int)
    }

    fileprivate struct File {
        var content: [UInt8] = []
        var durable: [UInt8] = []
        var unsynced: [Change] = []
        var lockedBy: Int?
    }

    fileprivate enum NameChange {
        case add(String, Int)
        case remove(String)
        case move(String, to: String, Int)
    }

    private struct Directory {
        var names: [String: Int] = [:]
        var durable: [String: Int] = [:]
        var unsynced: [NameChange] = []
    }

    fileprivate static let sector = 512
    private static let root = 0

    private let capacity: Int
    private var files: [Int: File] = [:]
    private var directories: [Int: Directory] = [SimulatedTree.root: Directory()]
    private var nextNode = 1

    init(capacity: Int = .max) {
        self.capacity = capacity
    }

    // MARK: names

    private func failure(_ errno: Int32) -> FileFailure {
        FileFailure(operation: "", path: "", errno: errno)
    }

    private func node(_ parts: some Sequence<Substring>) throws(FileFailure) -> Int {
        var node = SimulatedTree.root
        for part in parts {
            guard let directory = directories[node] else { throw failure(ENOTDIR) }
            guard let next = directory.names[String(part)] else { throw failure(ENOENT) }
            node = next
        }
        return node
    }

    private func directory(_ path: String) throws(FileFailure) -> Int {
        let node = try node(path.split(separator: "/"))
        guard directories[node] != nil else { throw failure(ENOTDIR) }
        return node
    }

    private func place(
        _ path: String
    ) throws(FileFailure) -> (directory: Int, name: String, node: Int?) {
        let parts = path.split(separator: "/")
        guard let last = parts.last else { throw failure(EISDIR) }
        let parent = try node(parts.dropLast())
        guard let directory = directories[parent] else { throw failure(ENOTDIR) }
        return (parent, String(last), directory.names[String(last)])
    }

    private mutating func change(_ directory: Int, _ change: NameChange) {
        guard var changed = directories[directory] else { return }
        changed.names.apply(change)
        changed.unsynced.append(change)
        directories[directory] = changed
    }

    mutating func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> Int {
        let place = try place(path)
        if let node = place.node {
            if case .create = access { throw failure(EEXIST) }
            if directories[node] != nil { throw failure(EISDIR) }
            return node
        }
        switch access {
        case .read, .modify: throw failure(ENOENT)
        case .create, .modifyOrCreate: break
        }
        let node = nextNode
        nextNode += 1
        files[node] = File()
        change(place.directory, .add(place.name, node))
        return node
    }

    mutating func makeDirectory(_ path: String) throws(FileFailure) {
        if path.allSatisfy({ $0 == "/" }) { return }
        let place = try place(path)
        if place.node != nil { return }
        directories[nextNode] = Directory()
        change(place.directory, .add(place.name, nextNode))
        nextNode += 1
    }

    func names(in path: String) throws(FileFailure) -> [String] {
        directories[try directory(path)]?.names.keys.sorted() ?? []
    }

    /// Of files within one directory: more the log does not do.
    mutating func rename(_ source: String, to destination: String) throws(FileFailure) {
        let (from, to) = (try place(source), try place(destination))
        guard let node = from.node else { throw failure(ENOENT) }
        guard from.directory == to.directory else { throw failure(EXDEV) }
        if let replaced = to.node, directories[replaced] != nil { throw failure(EISDIR) }
        change(from.directory, .move(from.name, to: to.name, node))
    }

    mutating func remove(_ path: String) throws(FileFailure) {
        let place = try place(path)
        guard let node = place.node else { throw failure(ENOENT) }
        if directories[node] != nil { throw failure(EISDIR) }
        change(place.directory, .remove(place.name))
    }

    mutating func syncDirectory(_ path: String) throws(FileFailure) {
        let node = try directory(path)
        guard var directory = directories[node] else { return }
        for change in directory.unsynced { directory.durable.apply(change) }
        directory.unsynced = []
        directories[node] = directory
    }

    func availableBytes(at path: String) throws(FileFailure) -> Int {
        _ = try node(path.split(separator: "/"))
        return capacity == .max ? .max : capacity - usedBytes
    }

    /// Removed files count too: somebody may have them open.
    private var usedBytes: Int { files.values.reduce(0) { $0 + $1.content.count } }

    // MARK: content

    func content(_ file: Int) -> [UInt8] { files[file]?.content ?? [] }

    /// The part of at most `count` bytes at `offset` that the file has.
    func content(_ file: Int, _ offset: Int, _ count: Int) -> [UInt8] {
        let content = content(file)
        let start = min(offset, content.count)
        return Array(content[start..<min(content.count, start + count)])
    }

    mutating func write(_ bytes: [UInt8], to file: Int, at offset: Int) throws(FileFailure) {
        if bytes.isEmpty { return }
        try checkRoom(file, offset + bytes.count)
        apply(.write(bytes, at: offset), to: file)
    }

    mutating func resize(_ file: Int, to size: Int) throws(FileFailure) {
        guard size >= 0 else { throw failure(EINVAL) }
        try checkRoom(file, size)
        apply(.resize(size), to: file)
    }

    mutating func grow(_ file: Int, to size: Int) throws(FileFailure) {
        guard size > 0 else { throw failure(EINVAL) }
        if size > content(file).count { try resize(file, to: size) }
    }

    private func checkRoom(_ file: Int, _ size: Int) throws(FileFailure) {
        let growth = size - content(file).count
        if capacity != .max, growth > 0, usedBytes + growth > capacity { throw failure(ENOSPC) }
    }

    private mutating func apply(_ change: Change, to file: Int) {
        files[file]?.content.apply(change)
        files[file]?.unsynced.append(change)
    }

    mutating func sync(_ file: Int) {
        for change in files[file]?.unsynced ?? [] { files[file]?.durable.apply(change) }
        files[file]?.unsynced = []
    }

    /// What a failed sync does: some reached the medium, and nobody will write the others.
    mutating func loseUnsynced(of file: Int, seed: UInt64) {
        var chance = Chance(seed: seed, kept: 2)
        files[file]?.keepSome(&chance)
    }

    mutating func lock(_ file: Int, by handle: Int) -> Bool {
        if let holder = files[file]?.lockedBy, holder != handle { return false }
        files[file]?.lockedBy = handle
        return true
    }

    mutating func unlock(_ file: Int, by handle: Int) {
        if files[file]?.lockedBy == handle { files[file]?.lockedBy = nil }
    }

    // MARK: ends

    func unlocked() -> SimulatedTree {
        var tree = self
        for node in files.keys { tree.files[node]?.lockedBy = nil }
        return tree
    }

    func crashed(seed: UInt64) -> SimulatedTree {
        var tree = unlocked()
        var chance = Chance(seed: seed, kept: seed % 5)
        for node in directories.keys.sorted() {
            guard var directory = tree.directories[node] else { continue }
            for change in directory.unsynced where chance.isKept() {
                directory.durable.apply(change)
            }
            directory.unsynced = []
            directory.names = directory.durable
            tree.directories[node] = directory
        }
        for node in files.keys.sorted() {
            guard var file = tree.files[node] else { continue }
            file.keepSome(&chance)
            file.content = file.durable
            tree.files[node] = file
        }
        return tree
    }

    /// What is kept of what was not synced: none, a quarter, half, three quarters, or all.
    fileprivate struct Chance {
        private var generator: SeededGenerator
        private let kept: UInt64

        init(seed: UInt64, kept: UInt64) {
            generator = SeededGenerator(seed: seed)
            self.kept = kept
        }

        mutating func isKept() -> Bool { generator.next() % 4 < kept }
    }
}

extension SimulatedTree.File {
    fileprivate mutating func keepSome(_ chance: inout SimulatedTree.Chance) {
        for change in unsynced {
            switch change {
            case .resize: if chance.isKept() { durable.apply(change) }
            case .write(let bytes, let offset):
                if chance.isKept() {
                    let size = max(durable.count, offset + bytes.count)
                    durable.apply(.resize(size))
                }
                var start = 0
                while start < bytes.count {
                    let place = offset + start
                    let end = min(
                        bytes.count,
                        start + SimulatedTree.sector - place % SimulatedTree.sector)
                    if chance.isKept() {
                        durable.apply(.write(Array(bytes[start..<end]), at: place))
                    }
                    start = end
                }
            }
        }
        unsynced = []
    }
}

// In whole blocks: an element at a time costs milliseconds per segment in a debug build.
extension [UInt8] {
    fileprivate mutating func apply(_ change: SimulatedTree.Change) {
        switch change {
        case .resize(let size):
            if size < count {
                self = Array(self[..<size])
            } else {
                self += [UInt8](repeating: 0, count: size - count)
            }
        case .write(let bytes, let offset):
            let end = offset + bytes.count
            if end > count { apply(.resize(end)) }
            withUnsafeMutableBytes { content in
                bytes.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(
                        rebasing: content[offset..<end]
                    ).copyMemory(from: $0)
                }
            }
        }
    }
}

extension [String: Int] {
    /// A change whose cause was lost still stands: a rename kept without the making of its source names the file.
    fileprivate mutating func apply(_ change: SimulatedTree.NameChange) {
        switch change {
        case .add(let name, let node): self[name] = node
        case .remove(let name): self[name] = nil
        case .move(let source, let destination, let node):
            if self[source] == node { self[source] = nil }
            self[destination] = node
        }
    }
}
