internal import AWSProtocol

/// libFuzzer calls this with each reply of SQS that it makes. A trap is a finding: a reply is read or refused with an
/// error, whatever call it answers, and a message that is read has what a delete needs.
@_cdecl("LLVMFuzzerTestOneInput")
public func readOneReply(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let reply = Array(UnsafeBufferPointer(start: start, count: count))
    for message in (try? SQSReply.parseReceive(reply)) ?? [] {
        precondition(!message.receiptHandle.isEmpty, "a message that cannot be deleted")
    }
    _ = try? SQSReply.parseBatch(reply)
    _ = try? SQSReply.parseAttributes(reply)
    _ = try? SQSReply.parseQueueURL(reply)
    if let error = SQSReply.parseError(reply) {
        precondition(error.code.utf8.count <= 1032, "a code without bound")
        precondition(error.message.utf8.count <= 1032, "a message without bound")
    }
    return 0
}
