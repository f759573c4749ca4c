internal import ControlAPI
internal import ControlServer
internal import FailureStore
internal import Foundation

/// JSON as the control channel writes it: sorted keys, so that the same answer is the same bytes.
func encodedJSON(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
        preconditionFailure("\(type(of: value)) does not encode as JSON")
    }
    return [UInt8](data) + [UInt8(ascii: "\n")]
}

extension ControlReply {
    static func json(_ value: some Encodable, status: Int = 200) -> ControlReply {
        ControlReply(
            status: status, contentType: "application/json", body: .bytes(encodedJSON(value)))
    }

    static func metrics(_ text: String) -> ControlReply {
        ControlReply(
            status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
            body: .bytes(Array(text.utf8)))
    }

    static func problem(_ problem: ProblemReply) -> ControlReply {
        ControlReply(
            status: problem.status, contentType: "application/problem+json",
            body: .bytes(encodedJSON(problem)))
    }
}

/// The problem that an error of a handler is to its asker.
func problem(_ error: any Error) -> ProblemReply {
    switch error {
    case let problem as ProblemReply: problem
    case let failure as StoreFailure: problem(failure)
    default: ProblemCode.internalError.problem("\(error)")
    }
}

/// The problem that a failed question to the store is to its asker.
func problem(_ failure: StoreFailure) -> ProblemReply {
    switch failure {
    case .badCursor(let sentence): ProblemCode.badCursor.problem(sentence)
    case .full(let sentence), .unavailable(let sentence):
        ProblemCode.temporarilyUnavailable.problem(sentence)
    case .damaged(let sentence), .refused(let sentence), .failed(let sentence):
        ProblemCode.internalError.problem(sentence)
    }
}
