internal import AWSClient
internal import AWSProtocol
internal import Domain
internal import FailureStore
internal import Manifests

/// Why a step did not come through.
enum StepFailure: Error {
    /// Worth another try later; the sentence is shown until then.
    case temporary(String)
    /// The remediation cannot go on: its failures go back to `open`.
    case refused(String)
    /// The daemon is stopping.
    case cancelled
}

/// The calls to AWS that a remediation makes in one Region, each safe to make again.
struct RemediationCalls {
    let settings: RemediationSettings
    let s3: S3Client
    let caller: AWSCaller
    let sts: STSClient

    init(settings: RemediationSettings, caller: AWSCaller) {
        self.settings = settings
        self.caller = caller
        s3 = S3Client(caller)
        sts = STSClient(caller)
    }

    func account() async throws(StepFailure) -> String {
        try await calling { () async throws(AWSFailure) in try await sts.callerIdentity() }.account
    }

    /// Puts the manifest where no other is. It is read twice: for its digest, which goes into the object's metadata,
    /// and to be sent. One of the same name and digest is ours from before a crash.
    /// - Parameter read: a reader from the manifest's beginning.
    func putManifest(
        _ run: RemediationRun, read: () -> ManifestReading
    ) async throws(StepFailure) -> RemediationRun.Manifest {
        guard let digest = RunningDigest(.sha256) else {
            preconditionFailure("OpenSSL without SHA-256")
        }
        let first = read()
        while let chunk = try await first.next() { digest.update(chunk) }
        guard digest.byteCount > 0 else {
            throw .refused("every selected failure was closed meanwhile: nothing to do")
        }
        let bucket = settings.manifestBucket
        let name = "\(settings.manifestPrefix)/\(run.id).csv"
        let second = read()
        do {
            let object = try await s3.uploadOnce(
                bucket: bucket, key: ObjectKey(name), contentType: "text/csv",
                content: ContentDigest(digest)
            ) { () async throws(StepFailure) in try await second.next() }
            return .init(
                bucket: bucket, key: name, eTag: object.eTag, versionID: object.versionID)
        } catch {
            switch error {
            case .source(let failure): throw failure
            case .aws(let failure): throw stepFailure(failure)
            case .interrupted(let sentence): throw .temporary(sentence)
            case .taken(let sentence): throw .refused(sentence)
            }
        }
    }

    /// The CreateJob request of a run, the same bytes each time.
    func jobRequest(
        _ run: RemediationRun, _ manifest: RemediationRun.Manifest, account: String
    ) -> [UInt8] {
        let partition = settings.roleARN.split(separator: ":").dropFirst().first.map(String.init)
        let arn = "arn:\(partition ?? "aws"):s3:::"
        return ReplicationJob(
            manifest: .init(
                objectARN: "\(arn)\(manifest.bucket)/\(manifest.key)",
                versionID: manifest.versionID, eTag: manifest.eTag),
            report: .init(
                bucketARN: arn + settings.reportBucket, prefix: settings.reportPrefix,
                expectedBucketOwner: account),
            clientRequestToken: run.id, description: Self.description(of: run),
            priority: run.priority, roleARN: settings.roleARN, confirmationRequired: false
        ).body
    }

    /// Holds the run's ID, by which a job is found again.
    static func description(of run: RemediationRun) -> String {
        String("s3remedy \(run.id) for \(run.rule)".prefix(256))
    }

    /// The job of a run, if S3 knows one. By the description and not by the token: ListJobs shows no token.
    func findJob(_ run: RemediationRun, account: String) async throws(StepFailure) -> String? {
        let control = S3ControlClient(caller, account: account)
        let jobs = try await calling { () async throws(AWSFailure) in try await control.listJobs() }
        return jobs.first { $0.description == Self.description(of: run) }?.id
    }

    /// Sends the stored request.
    func createJob(
        _ run: RemediationRun, _ request: [UInt8], account: String
    ) async throws(StepFailure) -> String {
        let control = S3ControlClient(caller, account: account)
        do {
            return try await control.createJob(request)
        } catch {
            guard error.code == "IdempotencyException" else { throw stepFailure(error) }
            if let id = try await findJob(run, account: account) { return id }
            throw .refused(
                "S3 says that the token \(run.id) belongs to another job (IdempotencyException), "
                    + "and lists no job for it: start a new remediation")
        }
    }

    func describeJob(_ id: String, account: String) async throws(StepFailure) -> BatchJob {
        let control = S3ControlClient(caller, account: account)
        do {
            return try await control.describeJob(id)
        } catch {
            // Right after creation, and 90 days after the end.
            if error.code.hasPrefix("NoSuchJob") {
                throw .temporary("S3 does not know job \(id) yet (\(error.code))")
            }
            throw stepFailure(error)
        }
    }

    /// The buckets that the enabled rules of a bucket replicate to.
    func destinations(of bucket: String) async throws(StepFailure) -> Set<String> {
        let rules = try await calling { () async throws(AWSFailure) in
            try await s3.bucketReplication(bucket: bucket)
        }
        return Set(rules.filter(\.isEnabled).map(\.destinationBucket))
    }

    /// Refused: S3 answered, and it is this object's trouble: its key's, its KMS key's, a policy's.
    func head(
        _ identity: FailureIdentity
    ) async throws(StepFailure) -> HeadObjectOutcome {
        do {
            return try await s3.headObject(
                bucket: identity.rule.sourceBucket, key: identity.key,
                versionID: identity.versionID)
        } catch {
            // HEAD's 403 has no body, so no code tells a denied object from a wrong clock.
            guard case .service(let answer) = error, answer.status == 403, answer.code.isEmpty
            else { throw stepFailure(error) }
            throw .refused(
                "\(error) for objects of \(identity.rule.sourceBucket): allow s3:GetObjectVersion, and "
                    + "kms:Decrypt where they are encrypted with a KMS key")
        }
    }

    /// True when the bucket answers and the version is not listed: a 404 alone may mean a missing permission.
    func isProvedAbsent(_ identity: FailureIdentity) async throws(StepFailure) -> Bool {
        try await calling { () async throws(AWSFailure) in
            !(try await s3.objectVersionExists(
                bucket: identity.rule.sourceBucket, key: identity.key,
                versionID: identity.versionID))
        }
    }

    private func calling<Value>(
        _ call: () async throws(AWSFailure) -> Value
    ) async throws(StepFailure) -> Value {
        do {
            return try await call()
        } catch {
            throw stepFailure(error)
        }
    }
}

/// Sorts what AWS answered: what may go away by itself is tried again, for ever; what is said of this request is not.
private func stepFailure(_ failure: AWSFailure) -> StepFailure {
    if failure.isCancellation { return .cancelled }
    guard case .service(let error) = failure else { return .temporary("\(failure)") }
    switch error.kind {
    case .transient, .throttling, .credentials, .clockSkew: return .temporary("\(failure)")
    case .permanent: return .refused("\(failure)")
    }
}
