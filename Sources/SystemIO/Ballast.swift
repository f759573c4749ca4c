/// A file of zeros beside what must go on on a full disk: given up, its room lets the store and the log come to an
/// order in which they free more. Its bytes are really written, because not every file system holds room for a sparse
/// or reserved file.
package actor Ballast {
    package static let name = "ballast"
    private static let temporaryName = "ballast.tmp"

    private let directory: String
    private let fileSystem: any FileSystem
    private let bytes: Int
    private let stepBytes: Int
    private var minimumFreeBytes: Int
    private let executor: QueueExecutor

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - minimumFreeBytes: what must stay free on the file system once the ballast is made. Never less than another
    ///     ballast: one made of the room that the last one left would be given up at once.
    ///   - executor: blocks in writes and syncs.
    package init(
        directory: String, fileSystem: any FileSystem, bytes: Int = 64 << 20,
        stepBytes: Int = 1 << 20, minimumFreeBytes: Int, executor: QueueExecutor
    ) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.bytes = bytes
        self.stepBytes = stepBytes
        self.minimumFreeBytes = max(minimumFreeBytes, bytes)
        self.executor = executor
    }

    /// Another `minimumFreeBytes`, from the next ballast on.
    package func keepFree(_ minimumFreeBytes: Int) {
        self.minimumFreeBytes = max(minimumFreeBytes, bytes)
    }

    private var path: String { directory + "/" + Self.name }
    private var temporaryPath: String { directory + "/" + Self.temporaryName }

    /// Makes the ballast unless it is there, in small durable steps: one large flush would hold up the log's. False
    /// when there is no room for it at present.
    package func make() throws(FileFailure) -> Bool {
        if try isThere() { return true }
        try remove(temporaryPath)
        do {
            guard try fileSystem.availableBytes(at: directory) - bytes >= minimumFreeBytes else {
                return false
            }
            guard try fill(fileSystem.open(temporaryPath, .create)) else {
                try remove(temporaryPath)
                return false
            }
            try fileSystem.rename(temporaryPath, to: path)
            try fileSystem.syncDirectory(directory)
            return true
        } catch {
            try? remove(temporaryPath)
            guard error.isOutOfSpace else { throw error }
            return false
        }
    }

    /// Removes the ballast. Returns the bytes that are free by that; 0 when there was none.
    package func give() throws(FileFailure) -> Int {
        try remove(temporaryPath)
        guard try isThere() else { return 0 }
        try remove(path)
        try fileSystem.syncDirectory(directory)
        return bytes
    }

    private func isThere() throws(FileFailure) -> Bool {
        do { return try fileSystem.open(path, .read).size() == bytes } catch
            where error.isNotFound
        { return false }
    }

    /// False when the task was cancelled meanwhile.
    private func fill(_ file: any OpenFile) throws(FileFailure) -> Bool {
        let zeros = [UInt8](repeating: 0, count: min(stepBytes, 64 * 1024))
        var offset = 0
        while offset < bytes {
            if Task.isCancelled { return false }
            let end = min(offset + stepBytes, bytes)
            while offset < end {
                let count = min(zeros.count, end - offset)
                try file.write(zeros.span.bytes.extracting(0..<count), at: offset)
                offset += count
            }
            try file.syncData()
        }
        return true
    }

    private func remove(_ path: String) throws(FileFailure) {
        do { try fileSystem.remove(path) } catch  where error.isNotFound {}
    }
}
