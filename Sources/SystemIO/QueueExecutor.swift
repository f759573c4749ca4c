package import Dispatch

/// Runs an actor's jobs, or a task that prefers it, on one Dispatch queue: `DispatchSerialQueue`, which is an executor
/// elsewhere, does not exist on Linux.
///
/// Two kinds, never to be mixed up (measured: seconds of stall when work blocks on the wrong one):
/// - `blocking`: a plain serial queue, which brings a worker thread of its own. For work that blocks: a poller, the
///   log's committer, the store's writer.
/// - `events`: a serial queue on the shared pool. For work that never blocks: sockets, timers, signals.
package final class QueueExecutor: SerialExecutor, TaskExecutor {
    package let queue: DispatchQueue

    private init(queue: DispatchQueue) {
        self.queue = queue
    }

    /// An executor whose jobs may block.
    package static func blocking(_ label: String) -> QueueExecutor {
        QueueExecutor(queue: DispatchQueue(label: label))
    }

    /// An executor whose jobs must never block.
    package static func events(_ label: String) -> QueueExecutor {
        QueueExecutor(queue: DispatchQueue(label: label, target: .global()))
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        queue.async {
            unowned.runSynchronously(
                isolatedTo: self.asUnownedSerialExecutor(),
                taskExecutor: self.asUnownedTaskExecutor())
        }
    }

    package func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
