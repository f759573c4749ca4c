internal import ControlAPI
internal import FailureStore
internal import Foundation
internal import Glibc
internal import SystemIO
internal import WriteAheadLog

/// `s3remedyd wal adopt`: makes a pair of the directory's log and store that the start refused as no pair. Returns what
/// to print, and the exit status: 0 done, or nothing to do; 75 a daemon holds the directory; 78 that is damage, or no
/// state directory; 1 it could not be done.
package func adoptLog(directory: String) async -> (text: String, status: Int32) {
    let subject = LogSubject(directory)
    return await repairing(subject) { state in
        let store = try openStore(subject.storePath)
        let mark = try await storeMark(store)
        let outcome = try await LogAdoption(state, random: SystemRandom()).run(store: mark) {
            mark in
            try await store.takeLog(mark.logID?.bytes ?? [], appliedLSN: mark.appliedLSN.value)
        }
        try await store.close()
        return describe(outcome, subject.directory)
    }
}

/// `s3remedyd wal salvage`: writes what can be read of log and store into a new directory beside. Returns what to print,
/// and the exit status: 0 written; 75 a daemon holds the directory; 78 there is no log to read; 1 it could not be
/// done.
package func salvageLog(directory: String) async -> (text: String, status: Int32) {
    // `.` has no name to put the new directory beside.
    let subject = LogSubject(URL(fileURLWithPath: directory).standardizedFileURL.path)
    return await repairing(subject) { state in
        let files = subject.fileSystem
        let seen = try ReadableLog(in: state.logPath, files)
        guard seen.segments > 0 else { return (subject.noLog, 78) }
        if let newer = seen.missing.first(where: { $0.kind == .newerFormat }) {
            return ("\(newer.file) \(newer.finding): run the newer s3remedyd's wal salvage", 78)
        }
        let (target, unfinished) = try freeName(beside: subject)
        do {
            try files.makeDirectory(unfinished)
            let (store, why) = try salvageStore(subject, into: unfinished)
            let mark: StoreMark? = if let store { try await storeMark(store) } else { nil }
            let rewrite = try LogRewrite(
                of: seen, into: unfinished + "/wal", store: mark, random: SystemRandom())
            if let store {
                try await store.takeLog(
                    rewrite.mark.logID?.bytes ?? [], appliedLSN: rewrite.mark.appliedLSN.value)
                try await store.close()
                try files.open(unfinished + "/failures.db", .modify).sync()
            }
            try files.syncDirectory(unfinished)
            try files.rename(unfinished, to: target)
            try files.syncDirectory(StateDirectory.parent(of: target))
            return (describe(rewrite, why, subject.directory, target), 0)
        } catch {
            removeSalvage(unfinished)
            throw error
        }
    }
}

extension LogSubject {
    var storePath: String { directory + "/failures.db" }
}

/// Runs `body` while this process holds the state directory, and turns what it throws into a sentence and a status.
private func repairing(
    _ subject: LogSubject, _ body: (StateDirectory) async throws -> (String, Int32)
) async -> (text: String, status: Int32) {
    do {
        // Locking makes what is missing: a wrong directory must not become a state directory.
        let names = try subject.fileSystem.names(in: subject.directory)
        guard names.contains("wal") || names.contains("failures.db") else {
            return (subject.noLog, 78)
        }
        let state = try StateDirectory.lock(
            subject.directory, fileSystem: subject.fileSystem,
            holder: "pid \(getpid()), s3remedyd wal \(programVersion)")
        return try await body(state)
    } catch let failure as FileFailure where failure.isOutOfSpace {
        return ("no room: \(failure). Nothing was changed: free space and run it again", 1)
    } catch let failure as FileFailure {
        return subject.unreadable(failure)
    } catch {
        let failure = DaemonFailure(error)
        return (failure?.description ?? "\(error)", failure?.exitStatus ?? 1)
    }
}

private func openStore(_ path: String) throws -> SQLiteFailureStore {
    try SQLiteFailureStore.open(
        path: path, writer: .blocking("s3remedy.store"), reader: .blocking("s3remedy.store-reader"))
}

private func storeMark(_ store: SQLiteFailureStore) async throws -> StoreMark {
    let mark = try await store.mark()
    return StoreMark(
        logID: mark.logID.flatMap { LogID(bytes: $0) }, appliedLSN: LSN(mark.appliedLSN))
}

/// A copy of the store in the new directory, open; or why there is none: it is missing or damaged. Whatever else is in
/// the way is thrown: without its store a daemon forgets every state.
private func salvageStore(
    _ subject: LogSubject, into directory: String
) throws -> (store: SQLiteFailureStore?, why: String?) {
    do {
        guard try subject.fileSystem.names(in: subject.directory).contains("failures.db") else {
            return (nil, "\(subject.storePath) is not there")
        }
        try SQLiteFailureStore.copy(subject.storePath, to: directory + "/failures.db")
        return (try openStore(directory + "/failures.db"), nil)
    } catch StoreFailure.damaged(let why) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            try? subject.fileSystem.remove(directory + "/failures.db" + suffix)
        }
        return (nil, why)
    }
}

private func freeName(
    beside subject: LogSubject
) throws(FileFailure) -> (target: String, unfinished: String) {
    let names = try subject.fileSystem.names(in: StateDirectory.parent(of: subject.directory))
    let own = subject.directory.split(separator: "/").last.map(String.init) ?? ""
    var number = 1
    while names.contains("\(own).salvaged-\(number)")
        || names.contains("\(own).salvaged-\(number).tmp")
    {
        number += 1
    }
    let target = "\(subject.directory).salvaged-\(number)"
    return (target, target + ".tmp")
}

/// What cannot be removed stays under its unfinished name.
private func removeSalvage(_ directory: String) {
    let files = PosixFileSystem()
    for folder in [directory + "/wal", directory] {
        for name in (try? files.names(in: folder)) ?? [] { try? files.remove(folder + "/" + name) }
        _ = unsafe rmdir(folder)
    }
}
