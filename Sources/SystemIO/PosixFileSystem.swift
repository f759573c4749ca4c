internal import Glibc

/// The operating system's files.
package struct PosixFileSystem: FileSystem {
    package init() {}

    package func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any OpenFile {
        let flags: Int32 =
            switch access {
            case .read: O_RDONLY
            case .modify: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            case .modifyOrCreate: O_RDWR | O_CREAT
            }
        let descriptor = try checked("open", path) { Glibc.open(path, flags | O_CLOEXEC, 0o600) }
        return PosixFile(descriptor: descriptor, path: path)
    }

    package func makeDirectory(_ path: String) throws(FileFailure) {
        do {
            try checked("mkdir", path) { mkdir(path, 0o700) }
        } catch  where error.errno == EEXIST {}
    }

    package func names(in directory: String) throws(FileFailure) -> [String] {
        guard let stream = opendir(directory) else {
            throw FileFailure(operation: "opendir", path: directory, errno: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        if errno != 0 { throw FileFailure(operation: "readdir", path: directory, errno: errno) }
        return names
    }

    package func rename(_ source: String, to destination: String) throws(FileFailure) {
        try checked("rename", source) { Glibc.rename(source, destination) }
    }

    package func remove(_ path: String) throws(FileFailure) {
        try checked("unlink", path) { unlink(path) }
    }

    package func syncDirectory(_ path: String) throws(FileFailure) {
        let descriptor = try checked("open", path) {
            Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw FileFailure(operation: "fsync", path: path, errno: errno)
        }
    }

    package func availableBytes(at path: String) throws(FileFailure) -> Int {
        var answer = statvfs()
        try checked("statvfs", path) { statvfs(path, &answer) }
        let (bytes, overflow) = UInt64(answer.f_bavail).multipliedReportingOverflow(
            by: UInt64(answer.f_frsize))
        return overflow ? .max : Int(clamping: bytes)
    }
}

private final class PosixFile: OpenFile {
    private let descriptor: Int32
    let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func size() throws(FileFailure) -> Int {
        var answer = stat()
        try checked("fstat", path) { fstat(descriptor, &answer) }
        return Int(answer.st_size)
    }

    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(FileFailure) -> Int {
        let path = path
        let descriptor = descriptor
        return try bytes.withUnsafeMutableBytes { (buffer) throws(FileFailure) in
            var done = 0
            while done < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let count = try checked("pread", path) {
                    pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
                }
                if count == 0 { break }
                done += count
            }
            return done
        }
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(FileFailure) {
        let path = path
        let descriptor = descriptor
        try bytes.withUnsafeBytes { (buffer) throws(FileFailure) in
            var done = 0
            while done < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
                let count = try checked("pwrite", path) {
                    pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
                }
                if count == 0 { throw FileFailure(operation: "pwrite", path: path, errno: EIO) }
                done += count
            }
        }
    }

    func syncData() throws(FileFailure) {
        guard fdatasync(descriptor) == 0 else {
            throw FileFailure(operation: "fdatasync", path: path, errno: errno)
        }
    }

    func sync() throws(FileFailure) {
        guard fsync(descriptor) == 0 else {
            throw FileFailure(operation: "fsync", path: path, errno: errno)
        }
    }

    func truncate(to size: Int) throws(FileFailure) {
        try checked("ftruncate", path) { ftruncate(descriptor, off_t(size)) }
    }

    func allocate(_ size: Int) throws(FileFailure) {
        var code: Int32
        repeat { code = posix_fallocate(descriptor, 0, off_t(size)) } while code == EINTR
        if code != 0 { throw FileFailure(operation: "posix_fallocate", path: path, errno: code) }
    }

    func tryLock() throws(FileFailure) -> Bool {
        do {
            try checked("flock", path) { flock(descriptor, LOCK_EX | LOCK_NB) }
            return true
        } catch  where error.errno == EWOULDBLOCK {
            return false
        }
    }
}

/// Runs a system call again while a signal interrupts it; throws when it answers less than zero. Never for fsync
/// and fdatasync: those are asked once.
@discardableResult
private func checked<Answer: SignedInteger>(
    _ operation: String, _ path: String, _ call: () -> Answer
) throws(FileFailure) -> Answer {
    while true {
        let answer = call()
        if answer >= 0 { return answer }
        let reason = errno
        if reason != EINTR { throw FileFailure(operation: operation, path: path, errno: reason) }
    }
}
