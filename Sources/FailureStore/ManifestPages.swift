/// All pages of a run's manifest, each read while the one before is worked on: reading and writing a row cost about the
/// same, and a host has more than one core.
package struct ManifestPages: Sendable {
    private let store: any FailureStoring
    private let run: String
    private let limit: Int
    private var ahead: Task<ManifestPage, any Error>?
    private var hasBegun = false

    /// - Parameter limit: rows of a page.
    package init(of run: String, in store: any FailureStoring, limit: Int = 10_000) {
        self.store = store
        self.run = run
        self.limit = limit
    }

    /// The next page; nil behind the last.
    package mutating func next() async throws(StoreFailure) -> ManifestPage? {
        if !hasBegun {
            hasBegun = true
            ahead = read(behind: nil)
        }
        guard let reading = ahead else { return nil }
        ahead = nil
        let page: ManifestPage
        do {
            page = try await reading.value
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            preconditionFailure("the store throws no \(error)")
        }
        if !page.isLast { ahead = read(behind: page) }
        return page
    }

    private func read(behind page: ManifestPage?) -> Task<ManifestPage, any Error> {
        let after = page?.last
        return Task { [store, run, limit] in
            try await store.manifestPage(of: run, after: after, limit: limit)
        }
    }
}
