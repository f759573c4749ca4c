internal import ControlAPI
internal import ControlServer
internal import Domain
internal import FailureStore
internal import Intake
internal import SystemIO

/// Pausing and resuming the intake: remembered by the store first, so that it survives a restart.
struct IntakeRoutes: Sendable {
    let store: any FailureStoring
    let pause: IntakePause
    let clock: any ClockReading

    func pause(_ reader: RequestReader) async throws -> ControlReply {
        try reader.checkMembers(PauseRequest.members)
        let asked = try reader.body(PauseRequest.self).durationSeconds
        let seconds = asked ?? PauseRequest.defaultSeconds
        guard (1...PauseRequest.maximumSeconds).contains(seconds) else {
            throw ProblemCode.badRequest.problem(
                "durationSeconds must be from 1 to \(PauseRequest.maximumSeconds) (12 hours): SQS keeps "
                    + "messages for a few days only; pause again before it ends")
        }
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        return try await set(until: now.advanced(byMilliseconds: Int64(seconds) * 1000))
    }

    func resume() async throws -> ControlReply { try await set(until: nil) }

    private func set(until: Timestamp?) async throws -> ControlReply {
        try await store.pauseIntake(until: until)
        pause.set(until: until)
        return .json(IntakeReply(pausedUntil: until))
    }
}
