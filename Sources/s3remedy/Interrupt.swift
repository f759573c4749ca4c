internal import Dispatch
internal import Glibc

/// From the return of `endOnInterrupt` on, Ctrl-C writes `farewell` to standard error and ends the process with 130.
/// For commands that only watch: nothing is left behind.
func endOnInterrupt(_ farewell: String) async -> any DispatchSourceSignal {
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler { @Sendable in
        try? Screen(descriptor: 2).write(farewell)
        _exit(ExitStatus.interrupted.rawValue)
    }
    // libdispatch takes the signal over asynchronously; until then it kills.
    await withCheckedContinuation { continuation in
        source.setRegistrationHandler { @Sendable in continuation.resume() }
        source.activate()
    }
    return source
}
