internal import Glibc

/// The file system port: synchronous, so callers stand on a thread that may block.
package protocol FileSystem: Sendable {
    func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any OpenFile
    /// Makes one directory with mode 0700. One that exists already is fine.
    func makeDirectory(_ path: String) throws(FileFailure)
    /// The names in a directory without `.` and `..`, in no order.
    func names(in directory: String) throws(FileFailure) -> [String]
    /// Replaces `destination` at once if it exists. Durable only after `syncDirectory`.
    func rename(_ source: String, to destination: String) throws(FileFailure)
    /// Durable only after `syncDirectory`.
    func remove(_ path: String) throws(FileFailure)
    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(FileFailure)
    /// Bytes that this user may still write on the file system that holds `path`.
    func availableBytes(at path: String) throws(FileFailure) -> Int
}

/// How a file is opened. Files are made with mode 0600.
package enum FileAccess: Sendable {
    case read
    /// Read and write; the file must exist.
    case modify
    /// Read and write; the file must not exist.
    case create
    /// Read and write; made when it does not exist.
    case modifyOrCreate
}

/// One open file. It closes, and gives up its lock, when the last reference goes. Positions are explicit, so any
/// number of threads may use one file; who writes where is for its owners to agree.
package protocol OpenFile: AnyObject, Sendable {
    var path: String { get }
    /// Bytes from the start to the end of the file.
    func size() throws(FileFailure) -> Int
    /// Fills `bytes` from `offset`. Returns how many were read: fewer only at the end of the file.
    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(FileFailure) -> Int
    /// Writes all of `bytes`, or throws. After an error any part may have been written.
    func write(_ bytes: RawSpan, at offset: Int) throws(FileFailure)
    /// Makes the content durable (fdatasync). After an error nothing is known of what was written since the last
    /// success, and asking again would lie: the kernel forgets the error.
    func syncData() throws(FileFailure)
    /// Makes content and metadata durable (fsync). Errors as in `syncData`.
    func sync() throws(FileFailure)
    func truncate(to size: Int) throws(FileFailure)
    /// Reserves room for the first `size` bytes; a shorter file grows to it and reads as zeros.
    func allocate(_ size: Int) throws(FileFailure)
    /// Takes the exclusive lock for the life of this open file. False when another open file holds it.
    func tryLock() throws(FileFailure) -> Bool
}

/// What failed, on which file, and the operating system's reason.
package struct FileFailure: Error, Equatable, Sendable {
    /// The system call's name, such as `fdatasync`.
    package let operation: String
    package let path: String
    package let errno: Int32

    package init(operation: String, path: String, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// The disk is full, or the user's quota is.
    package var isOutOfSpace: Bool { errno == ENOSPC || errno == EDQUOT }

    package var isNotFound: Bool { errno == ENOENT }

    package var isPermissionDenied: Bool { errno == EACCES }
}

extension FileFailure: CustomStringConvertible {
    package var description: String {
        "\(operation) \(path): \(String(cString: strerror(errno))) (errno \(errno))"
    }
}
