package import AWSClient
internal import AWSProtocol
internal import Domain
internal import Synchronization
package import SystemIO

/// A version to look at.
struct AskedVersion: Hashable, Sendable {
    var region: String
    var bucket: String
    var version: ObjectVersion
}

/// What came of looking at it.
typealias VersionLook = Result<VersionAnswer, StepFailure>

/// Connections to S3 side by side, each with a thread of its own: one waits for its answer while the others work.
package struct VersionLanes: Sendable {
    private let lanes: [VersionLane]

    /// - Parameter lanes: an executor that may block, and the callers for its Regions.
    package init(
        _ lanes: [(executor: QueueExecutor, makeCaller: @Sendable (String) -> AWSCaller)]
    ) {
        self.lanes = lanes.map { VersionLane(executor: $0.executor, makeCaller: $0.makeCaller) }
    }

    /// Looks at every version, in no order. What comes after trouble in its lane is not looked at, and has that trouble.
    func look(_ asked: Set<AskedVersion>) async -> [AskedVersion: VersionLook] {
        let all = Array(asked)
        let share = max(1, (all.count + lanes.count - 1) / lanes.count)
        return await withTaskGroup(of: [AskedVersion: VersionLook].self) { group in
            for (lane, start) in zip(lanes, stride(from: 0, to: all.count, by: share)) {
                let part = Array(all[start..<min(all.count, start + share)])
                group.addTask { await lane.look(part) }
            }
            var looks: [AskedVersion: VersionLook] = [:]
            for await part in group { looks.merge(part) { first, _ in first } }
            return looks
        }
    }

    /// What a bucket's replication configuration says, and nothing else.
    func rules(of bucket: String, region: String) async -> BucketLook {
        await lanes[0].rules(of: bucket, region: region)
    }

    /// What a bucket's configuration says.
    func look(at bucket: String, region: String) async -> BucketLook {
        await lanes[0].look(at: bucket, region: region)
    }

    /// The same for somebody who cannot wait for longer: what S3 has not answered by then is told as trouble.
    func look(
        at bucket: String, region: String, within limit: Duration, _ clock: any ClockReading
    ) async -> BucketLook {
        let first = FirstLook()
        let looking = Task { first.give(await look(at: bucket, region: region)) }
        let waiting = Task {
            guard (try? await clock.sleep(for: limit)) != nil else { return }
            var late = BucketLook(bucket: bucket)
            late.troubles = ["S3 did not answer within \(limit) what \(bucket) is configured for"]
            first.give(late)
        }
        defer {
            waiting.cancel()
            looking.cancel()
        }
        return await first.value()
    }
}

/// The look that came first; one asker.
private final class FirstLook: Sendable {
    private struct State {
        var look: BucketLook?
        var asker: CheckedContinuation<BucketLook, Never>?
    }

    private let state = Mutex(State())

    func give(_ look: BucketLook) {
        let asker = state.withLock { state -> CheckedContinuation<BucketLook, Never>? in
            guard state.look == nil else { return nil }
            state.look = look
            defer { state.asker = nil }
            return state.asker
        }
        asker?.resume(returning: look)
    }

    func value() async -> BucketLook {
        await withCheckedContinuation { asker in
            let look = state.withLock { state -> BucketLook? in
                if state.look == nil { state.asker = asker }
                return state.look
            }
            if let look { asker.resume(returning: look) }
        }
    }
}

/// One connection.
private actor VersionLane {
    private let executor: QueueExecutor
    private let makeCaller: @Sendable (String) -> AWSCaller
    private var clients: [String: S3Client] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    init(executor: QueueExecutor, makeCaller: @escaping @Sendable (String) -> AWSCaller) {
        self.executor = executor
        self.makeCaller = makeCaller
    }

    func look(_ asked: [AskedVersion]) async -> [AskedVersion: VersionLook] {
        var looks: [AskedVersion: VersionLook] = [:]
        var trouble: StepFailure?
        for one in asked {
            if Task.isCancelled { trouble = .cancelled }
            if let trouble {
                looks[one] = .failure(trouble)
                continue
            }
            do throws(StepFailure) {
                looks[one] = .success(try await answer(one))
            } catch .refused(let sentence) {
                looks[one] = .failure(.refused(sentence))
            } catch {
                trouble = error
                looks[one] = .failure(error)
            }
        }
        return looks
    }

    func rules(of bucket: String, region: String) async -> BucketLook {
        let s3 = client(region)
        var look = BucketLook(bucket: bucket)
        await look.ask("GetBucketReplication", "s3:GetReplicationConfiguration") {
            (look: inout BucketLook) async throws(AWSFailure) in
            look.rules = try await s3.bucketReplication(bucket: bucket)
        }
        return look
    }

    func look(at bucket: String, region: String) async -> BucketLook {
        let s3 = client(region)
        var look = await rules(of: bucket, region: region)
        await look.ask("GetBucketVersioning", "s3:GetBucketVersioning") {
            (look: inout BucketLook) async throws(AWSFailure) in
            look.versioning = try await s3.bucketVersioning(bucket: bucket) ?? "never enabled"
        }
        await look.ask("GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration") {
            (look: inout BucketLook) async throws(AWSFailure) in
            look.lifecycleRules = try await s3.enabledLifecycleRules(bucket: bucket)
        }
        return look
    }

    private func client(_ region: String) -> S3Client {
        if let known = clients[region] { return known }
        let made = S3Client(makeCaller(region))
        clients[region] = made
        return made
    }

    private func answer(_ asked: AskedVersion) async throws(StepFailure) -> VersionAnswer {
        let s3 = client(asked.region)
        let version = asked.version
        let head: HeadObjectOutcome
        do {
            head = try await s3.headObject(
                bucket: asked.bucket, key: version.key, versionID: version.versionID)
        } catch {
            throw refusedHead(error, asked.bucket)
        }
        switch head {
        case .found(let found): return .found(ObjectHeadFacts(found))
        case .deleteMarker: return .deleteMarker
        case .customerKeyNeeded: return .customerKeyNeeded
        case .absent(let date):
            do {
                // A 404 alone may mean a missing permission, or a bucket that is not there.
                let exists = try await s3.objectVersionExists(
                    bucket: asked.bucket, key: version.key, versionID: version.versionID)
                return exists ? .contradicted : .absent(at: date)
            } catch {
                throw refusedListing(error, asked.bucket)
            }
        }
    }
}

/// HEAD's 403 has no body, so no code tells a denied object from a wrong clock; a GET of a byte may have told.
private func refusedHead(_ failure: AWSFailure, _ bucket: String) -> StepFailure {
    guard case .service(let answer) = failure, answer.status == 403,
        answer.code.isEmpty || answer.kind == .permanent
    else { return stepFailure(failure) }
    return .refused(
        "\(failure) for objects of \(bucket): allow s3:GetObjectVersion on them and s3:ListBucket on the "
            + "bucket, and kms:Decrypt where they are encrypted with a KMS key")
}

private func refusedListing(_ failure: AWSFailure, _ bucket: String) -> StepFailure {
    guard case .service(let answer) = failure, answer.status == 403 else {
        return stepFailure(failure)
    }
    return .refused(
        "\(failure) for \(bucket), so nothing there is proved absent: allow s3:ListBucketVersions on it"
    )
}
