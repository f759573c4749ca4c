internal import Synchronization
internal import SystemIO

/// Calls a poller off from what it is waiting for: a long poll, or a sleep. From any thread.
final class PollerBell: Sendable {
    private let wakeup = Wakeup()
    private let endCall = Mutex<(@Sendable () -> Void)?>(nil)

    func ring() {
        endCall.withLock { $0 }?()
        wakeup.ring()
    }

    /// What ends the calls of the poller's connection. Whoever sets it looks afterwards whether it was rung for before.
    func guards(_ endCall: @escaping @Sendable () -> Void) {
        self.endCall.withLock { $0 = endCall }
    }

    func sleep(atMost duration: Duration, _ clock: any ClockReading) async {
        await wakeup.sleep(atMost: duration, clock)
    }
}
