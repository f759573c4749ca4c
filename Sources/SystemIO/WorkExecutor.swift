/// What an actor that owns a resource runs on, as it is injected: an executor for the actor's jobs, and one for the
/// tasks that it starts, so that no job of it passes through Swift's cooperative pool. `QueueExecutor` outside
/// simulation.
package protocol WorkExecutor: SerialExecutor {
    /// For `Task(executorPreference:)`: another object than the actor's executor. One that is both makes the runtime
    /// go on with a caller's code on this executor's thread after a call into the actor (seen with Swift 6.3.1).
    var tasks: any TaskExecutor { get }
}
