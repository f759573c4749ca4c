internal import ControlAPI

/// The line of a terminal on which a remediation moves: a bar, what is done of what there is, how fast, and how long it
/// will take at that pace. The pace is that of the phase so far: a job's tasks and the looks at its objects differ.
struct ProgressBar {
    private static let width = 20

    /// What is counted at present.
    private struct Phase: Equatable {
        var state: String
        var job: String?
    }

    private var phase: Phase?
    private var began: UInt64 = 0
    private var doneAtBegin: Int64 = 0

    /// - Parameter now: monotonic nanoseconds.
    mutating func line(_ item: RemediationItem, at now: UInt64) -> String {
        guard let (done, total) = item.share, total > 0 else {
            phase = nil
            return item.progress
        }
        let current = Phase(state: item.state, job: item.jobs.last { $0.jobId != nil }?.jobId)
        if phase != current {
            phase = current
            began = now
            doneAtBegin = done
        }
        let filled = Int(Double(Self.width) * min(max(Double(done) / Double(total), 0), 1))
        let bar =
            String(repeating: "#", count: filled)
            + String(repeating: "-", count: Self.width - filled)
        return "[\(bar)] " + item.progress + pace(done: done, of: total, at: now)
    }

    /// Empty until something has moved.
    private func pace(done: Int64, of total: Int64, at now: UInt64) -> String {
        let seconds = Double(now &- began) / 1e9
        let moved = Double(done &- doneAtBegin)
        guard moved > 0, seconds >= 1 else { return "" }
        let rate = moved / seconds
        let left = Double(max(0, total &- done)) / rate
        let shownRate = rate >= 10 ? grouped(Int64(rate)) : String(Double(Int(rate * 10)) / 10)
        return ", \(shownRate)/s"
            + (left >= 1 ? ", \(span(seconds: Int(min(left, 1e12)))) left" : "")
    }
}

extension RemediationItem {
    /// What is done of what there is in its present state; nil where nothing is counted.
    fileprivate var share: (done: Int64, total: Int64)? {
        switch state {
        case "jobFollowed":
            return jobs.last { $0.jobId != nil }?.tasks.map {
                ($0.succeeded &+ $0.failed, $0.total)
            }
        case "verifying": return (max(0, objects &- outcome.verifying), objects)
        default: return nil
        }
    }
}
