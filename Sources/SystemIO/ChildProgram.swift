internal import CSystem
internal import Glibc

/// Why a program gave no output. Its output is in no case of it.
package enum ChildFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case cannotStart(errno: Int32)
    case failed(status: Int32)
    case killed(signal: Int32)
    case tooLate(Duration)
    case tooMuch(limit: Int)

    package var description: String {
        switch self {
        case .cannotStart(let errno): "cannot be started: \(String(cString: strerror(errno)))"
        case .failed(let status): "ended with status \(status)"
        case .killed(let signal): "was ended by signal \(signal)"
        case .tooLate(let limit): "took longer than \(limit)"
        case .tooMuch(let limit): "wrote more than \(limit) bytes"
        }
    }
}

/// Runs a program to its end and answers what it wrote to standard output; blocks. Found on PATH, without a shell;
/// standard input is empty, standard error is this process's. It ends at the limits, with SIGKILL.
package func outputOfProgram(
    _ arguments: [String], within limit: Duration, atMost maximumBytes: Int
) throws(ChildFailure) -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    guard system_pipe(&ends) == 0 else { throw .cannotStart(errno: errno) }
    defer { close(ends[0]) }
    let child: pid_t
    do {
        defer { close(ends[1]) }
        child = try spawn(arguments, standardOutput: ends[1])
    }
    let outcome = collect(from: ends[0], within: limit, atMost: maximumBytes)
    if case .failure = outcome { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    let output = try outcome.get()
    let signal = status & 0x7F
    guard signal == 0 else { throw .killed(signal: signal) }
    guard status >> 8 & 0xFF == 0 else { throw .failed(status: status >> 8 & 0xFF) }
    return output
}

private func spawn(
    _ arguments: [String], standardOutput: Int32
) throws(ChildFailure) -> pid_t {
    guard let program = arguments.first else { throw .cannotStart(errno: ENOENT) }
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, standardOutput, 1)
    // Dispatch's threads block signals, and SIGPIPE is ignored here: a child would inherit both.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child: pid_t = 0
    let code = posix_spawnp(&child, program, &actions, &attributes, &pointers, system_environment())
    guard code == 0 else { throw .cannotStart(errno: code) }
    return child
}

/// Reads to the end of the pipe, which may come after the program's own end when a child of it holds it open.
private func collect(
    from descriptor: Int32, within limit: Duration, atMost maximumBytes: Int
) -> Result<[UInt8], ChildFailure> {
    let end = ContinuousClock.now + limit
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
        let rest = (end - .now).components
        let milliseconds = rest.seconds * 1000 + rest.attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { return .failure(.tooLate(limit)) }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, Int32(clamping: milliseconds)) > 0 else { continue }
        let count = read(descriptor, &piece, piece.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return .success(output) }
        guard output.count + count <= maximumBytes else {
            return .failure(.tooMuch(limit: maximumBytes))
        }
        output += piece[..<count]
    }
}
