import Glibc
import Synchronization

/// How often this process has called fdatasync and fsync: its own code and the libraries that it loads, SQLite among
/// them. The program's symbols come before the C library's, whatever library calls.
let syncCount = Atomic(0)

private typealias SyncCall = @convention(c) (Int32) -> Int32

/// RTLD_NEXT of dlsym(3): the definition that would have been found without this one. Swift does not import the macro.
private func next(_ name: String) -> SyncCall {
    guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: -1), name) else {
        preconditionFailure("the C library has no \(name)")
    }
    return unsafeBitCast(symbol, to: SyncCall.self)
}

private let systemFdatasync = next("fdatasync")
private let systemFsync = next("fsync")

@c(fdatasync) public func countedFdatasync(_ descriptor: Int32) -> Int32 {
    syncCount.add(1, ordering: .relaxed)
    return systemFdatasync(descriptor)
}

@c(fsync) public func countedFsync(_ descriptor: Int32) -> Int32 {
    syncCount.add(1, ordering: .relaxed)
    return systemFsync(descriptor)
}
