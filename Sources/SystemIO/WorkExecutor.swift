/// What an actor that owns a resource runs on, as it is injected: the same executor for the actor's jobs and for the
/// tasks that it starts, so that no job of it passes through Swift's cooperative pool. `QueueExecutor` outside
/// simulation.
package typealias WorkExecutor = SerialExecutor & TaskExecutor
