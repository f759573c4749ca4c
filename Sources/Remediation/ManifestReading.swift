internal import Domain
internal import FailureStore
internal import Manifests

/// A run's manifest, page by page out of the store: in constant memory, and the same bytes each time.
final class ManifestReading {
    private static let chunkBytes = 1024 * 1024

    private var pages: ManifestPages
    private var writer: ManifestWriter

    init(_ run: RemediationRun, _ store: any FailureStoring) {
        pages = ManifestPages(of: run.id, in: store)
        writer = ManifestWriter(bucket: run.rule.sourceBucket)
    }

    /// The next bytes; nil at the end.
    func next() async throws(StepFailure) -> [UInt8]? {
        while true {
            if let chunk = writer.takeChunk(atLeast: Self.chunkBytes) { return chunk }
            guard let page = try await nextPage() else { return writer.takeChunk(atLeast: 0) }
            for index in 0..<page.count {
                let row = page[index]
                do {
                    try writer.append(key: row.key, versionID: row.versionID)
                } catch {
                    throw .refused("\(error)")
                }
            }
        }
    }

    private func nextPage() async throws(StepFailure) -> ManifestPage? {
        do {
            return try await pages.next()
        } catch {
            throw .temporary("\(error)")
        }
    }
}
