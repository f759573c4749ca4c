internal import Domain
internal import EventDecoding

/// libFuzzer calls this with each body that it makes. A trap is a finding: a body must never end the daemon, must
/// always say something, and its problem must stand inside it.
@_cdecl("LLVMFuzzerTestOneInput")
public func decodeOneBody(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let body = Array(UnsafeBufferPointer(start: start, count: count))
    let message = decodeMessage(body)
    if let problem = message.problem {
        precondition(problem.offset >= 0 && problem.offset <= count, "an offset outside the body")
        precondition(problem.sentence.utf8.count <= 8192, "a sentence without bound")
    } else {
        precondition(
            !message.events.isEmpty || !message.tests.isEmpty || !message.jobStatusChanges.isEmpty
                || !message.foreign.isEmpty, "a body that says nothing and is no problem")
    }
    for event in message.events {
        precondition((1...1024).contains(event.key.bytes.count), "a key out of bounds")
        precondition(!event.sourceBucket.isEmpty && !event.ruleID.isEmpty, "an event of nothing")
        precondition((event.size ?? 0) >= 0, "a negative size")
    }
    return 0
}
