internal import Glibc

/// Whether the committer holds a group open a little longer.
///
/// The writers that a commit answers come back within microseconds, but by then the committer has begun the next
/// group with those that came meanwhile: writers fall into two halves that take turns, and every sync carries half of
/// them. So a group waits for as many appends as there were in the last one and behind it, but no longer than a sync
/// takes: then at worst it costs what it may save. A lone writer never waits, for it is all there is to wait for; and
/// where the wait was in vain, as with writers that have other work, it is tried again ever more seldom.
struct Gathering {
    /// Groups at most between two waits.
    static let mostSkipped = 64

    /// Appends that the group at hand should have; 0 when it is not held open.
    private var wanted = 0
    private var deadline: UInt64 = 0
    private var hasWaited = false
    /// Nanoseconds that the last write and sync took.
    private var lastSync: UInt64 = 0
    /// Groups that still pass without a wait, and how many passed the last time.
    private var skipping = 0
    private var skipped = 0

    /// A group is on disk.
    ///
    /// - Parameters:
    ///   - answered: appends that it completes.
    ///   - waiting: appends that came meanwhile.
    ///   - end: the clock's monotonic time now.
    ///   - nanoseconds: how long its write and sync took.
    mutating func noteGroup(
        answered: Int, waiting: Int, endedAt end: UInt64, took nanoseconds: UInt64
    ) {
        skipping = max(0, skipping - 1)
        wanted = skipping == 0 ? answered + waiting : 0
        // The shorter of two: one slow sync is no reason to wait long.
        deadline = end + min(lastSync, nanoseconds)
        lastSync = nanoseconds
        hasWaited = false
    }

    /// Whether the group waits for more than the `count` appends that it has. To be asked again at once.
    mutating func isOpen(having count: Int, now: UInt64) -> Bool {
        guard count > 0, wanted > 0 else { return false }
        if count < wanted && now < deadline {
            hasWaited = true
            return true
        }
        if hasWaited {
            skipped = count < wanted ? min(max(1, 2 * skipped), Self.mostSkipped) : 0
            skipping = skipped
        }
        wanted = 0
        return false
    }
}

/// Lets another thread have the processor: sched_yield(2).
func yieldThread() {
    _ = sched_yield()
}
