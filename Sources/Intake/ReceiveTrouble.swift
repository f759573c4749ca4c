internal import AWSClient
internal import AWSProtocol

/// What a failed receive is called in `status`, and what helps.
func receiveTrouble(_ failure: AWSFailure) -> (code: String, sentence: String) {
    let code = failure.code
    switch failure.kind {
    case .credentials:
        return (
            "credentials",
            "\(failure); new ones are fetched by themselves, but those of the environment need a restart"
        )
    case .throttling: return ("throttled", "\(failure); fewer requests are made for a while")
    case .clockSkew where code.contains("Signature") || code.contains("Skewed"):
        return (
            "signatureRefused", "\(failure); look at the secret access key and this host's clock"
        )
    case .clockSkew, .transient, .permanent: break
    }
    if code.contains("AccessDenied") || failure.kind == .clockSkew {
        return (
            "queueAccessDenied",
            "\(failure); allow sqs:ReceiveMessage on this queue in the role's policy and the queue's "
                + "(and kms:Decrypt if it is encrypted)"
        )
    }
    if code == "OverLimit" {
        return (
            "overLimit",
            "\(failure); 120,000 messages are in flight (received, not deleted): see whether another "
                + "consumer reads this queue, or deletes fail"
        )
    }
    if code.contains("NonExistentQueue") || code == "QueueDoesNotExist" {
        return ("queueMissing", "\(failure); create the queue, or correct queues[].url")
    }
    return ("queueUnreachable", "\(failure)")
}

/// Requests are signed by AWS's clock, learnt from its replies: nothing is lost, but whatever else runs on this host has
/// wrong times.
func clockTrouble(skewMilliseconds skew: Int64) -> String? {
    guard abs(skew) > ClockSkew.suspiciousMilliseconds else { return nil }
    let minutes = (abs(skew) + 30_000) / 60_000
    return
        "this host's clock is \(minutes) minutes \(skew > 0 ? "behind" : "ahead of") AWS's; requests "
        + "are signed by AWS's clock; set this host's (chronyd, systemd-timesyncd)"
}
