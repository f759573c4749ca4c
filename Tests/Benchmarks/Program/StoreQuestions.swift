import Domain
import FailureStore
import Foundation

extension StoreCommand {
    struct Answer: Encodable {
        let question: String
        /// Milliseconds: in a process that has asked nothing yet, the median of all, the slowest but the first.
        let first: Double
        let median: Double
        let slowest: Double
    }

    struct Answers: Encodable {
        let failures: Int64
        let bytes: Int64
        let answers: [Answer]
        let residentMiB: Double
        let peakMiB: Double
    }

    /// What `s3remedy rules` and the first page of `s3remedy failures list` ask for.
    func ask() async throws -> Answers {
        let store = try openStore()
        var selection = FailureSelection()
        selection.rule = RuleName(
            sourceBucket: "orders-archive-eu-west-1", ruleID: "dr-eu-central-1")
        var open = selection
        open.state = .open
        let everything = FailureQuery(selection: FailureSelection())
        let byKey = FailureQuery(selection: selection)
        let newest = FailureQuery(selection: open, order: .newest)
        let oldest = FailureQuery(selection: open, order: .oldest)
        let longPage = FailureQuery(selection: selection, limit: 1000)
        let answers = [
            try await time("rules overview") { _ = try await store.rules(nil) },
            try await time("first page of all") { _ = try await store.page(everything) },
            try await time("first page of a rule") { _ = try await store.page(byKey) },
            try await time("first page, newest") { _ = try await store.page(newest) },
            try await time("first page, oldest") { _ = try await store.page(oldest) },
            try await time("first page of 1,000") { _ = try await store.page(longPage) },
        ]
        let overview = try await store.overview()
        let memory = Measurement().result(records: 0)
        try await store.close()
        return Answers(
            failures: overview.failures, bytes: overview.bytes, answers: answers,
            residentMiB: memory.residentMiB, peakMiB: memory.peakMiB)
    }

    private func time(_ question: String, _ body: () async throws -> Void) async throws -> Answer {
        var times: [Double] = []
        for _ in 0..<101 {
            let began = ContinuousClock.now
            try await body()
            times.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        let others = times.dropFirst().sorted()
        return Answer(
            question: question, first: times[0], median: others[others.count / 2],
            slowest: others[others.count - 1])
    }
}
