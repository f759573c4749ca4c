internal import Domain
internal import FailureStore
internal import Manifests

/// A run's manifest, page by page out of the store: in constant memory, and the same bytes each time.
final class ManifestReading {
    private static let chunkBytes = 1024 * 1024

    private let run: RemediationRun
    private let store: any FailureStoring
    private var writer: ManifestWriter
    private var last: (key: ObjectKey, versionID: String)?
    private var isAtEnd = false

    init(_ run: RemediationRun, _ store: any FailureStoring) {
        self.run = run
        self.store = store
        writer = ManifestWriter(bucket: run.rule.sourceBucket)
    }

    /// The next bytes; nil at the end.
    func next() async throws(StepFailure) -> [UInt8]? {
        while !isAtEnd {
            if let chunk = writer.takeChunk(atLeast: Self.chunkBytes) { return chunk }
            try await readPage()
        }
        return writer.takeChunk(atLeast: 0)
    }

    private func readPage() async throws(StepFailure) {
        let page: ManifestPage
        do {
            page = try await store.manifestPage(of: run.id, after: last, limit: 10_000)
        } catch {
            throw .temporary("\(error)")
        }
        for row in page.rows {
            do {
                try writer.append(key: row.key, versionID: row.versionID)
            } catch {
                throw .refused("\(error)")
            }
        }
        last = page.rows.last ?? last
        isAtEnd = page.isLast
    }
}
