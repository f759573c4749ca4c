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
        let content = ContentDigest(digest)
        let name = settings.manifestPrefix + "/" + run.id + (run.role == .canary ? "-canary" : "")
        if let manifest = try await upload(name + ".csv", content, read) { return manifest }
        // Ours from before a crash, and versions were closed since: what is to be sent now has a name of its own.
        let other = "\(name)-\(content.sha256.prefix(8)).csv"
        if let manifest = try await upload(other, content, read) { return manifest }
        throw .refused("s3://\(settings.manifestBucket)/\(other) exists with other content")
    }

    /// Nil when the name is taken by other content.
    private func upload(
        _ name: String, _ content: ContentDigest, _ read: () -> ManifestReading
    ) async throws(StepFailure) -> RemediationRun.Manifest? {
        let bucket = settings.manifestBucket
        let rows = read()
        do {
            let object = try await s3.uploadOnce(
                bucket: bucket, key: ObjectKey(name), contentType: "text/csv", content: content
            ) { () async throws(StepFailure) in try await rows.next() }
            return .init(
                bucket: bucket, key: name, eTag: object.eTag, versionID: object.versionID)
        } catch {
            switch error {
            case .source(let failure): throw failure
            case .aws(let failure): throw stepFailure(failure)
            case .interrupted(let sentence): throw .temporary(sentence)
            case .taken: return nil
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
            clientRequestToken: Self.token(of: run), description: Self.description(of: run),
            priority: run.priority, roleARN: settings.roleARN,
            confirmationRequired: run.options.confirmation
        ).body
    }

    /// One for each job of a run, and never another.
    static func token(of run: RemediationRun) -> String {
        run.role == .canary ? run.id + "-canary" : run.id
    }

    /// Holds the run's ID, by which a job is found again.
    static func description(of run: RemediationRun) -> String {
        String("s3remedy \(token(of: run)) for \(run.rule)".prefix(256))
    }

    /// The account's jobs: those that are active, or all that S3 still knows.
    func jobs(onlyActive: Bool, account: String) async throws(StepFailure) -> [BatchJob] {
        let control = S3ControlClient(caller, account: account)
        let statuses = onlyActive ? RemediationRun.activeJobStatuses : []
        return try await calling { () async throws(AWSFailure) in
            try await control.listJobs(statuses: statuses)
        }
    }

    /// The job of a run, if S3 knows one. By the description and not by the token: ListJobs shows no token.
    static func job(of run: RemediationRun, among jobs: [BatchJob]) -> BatchJob? {
        jobs.first { $0.description == description(of: run) }
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
            let known = try await jobs(onlyActive: false, account: account)
            if let job = Self.job(of: run, among: known) { return job.id }
            throw .refused(
                "S3 says that the token \(Self.token(of: run)) belongs to another job "
                    + "(IdempotencyException), and lists no job for it: start a new remediation")
        }
    }

    /// Nil when S3 knows no such job: right after its creation, and 90 days after its end.
    func describeJob(_ id: String, account: String) async throws(StepFailure) -> BatchJob? {
        let control = S3ControlClient(caller, account: account)
        do {
            return try await control.describeJob(id)
        } catch {
            if error.code.hasPrefix("NoSuchJob") || error.code == "NotFoundException" { return nil }
            throw stepFailure(error)
        }
    }

    /// Confirms (`Ready`) or ends (`Cancelled`) a job. One that is in no state for that says so when it is described.
    func updateJob(
        _ id: String, to status: String, account: String
    ) async throws(StepFailure) {
        let control = S3ControlClient(caller, account: account)
        do {
            try await control.updateJobStatus(
                id, to: status, reason: "asked for through s3remedy")
        } catch {
            guard error.code != "JobStatusException", !error.code.hasPrefix("NoSuchJob") else {
                return
            }
            throw stepFailure(error)
        }
    }

    /// The list of a job's report; nil when it is not there (yet).
    func reportList(_ key: ObjectKey) async throws(StepFailure) -> [UInt8]? {
        do {
            return try await s3.getObject(
                bucket: settings.reportBucket, key: key,
                maximumBytes: CompletionReport.maximumListBytes)
        } catch {
            // Without s3:ListBucket S3 says 403 of what is not there.
            if ["NoSuchKey", "AccessDenied"].contains(error.code) { return nil }
            throw stepFailure(error)
        }
    }

    func calling<Value>(
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
func stepFailure(_ failure: AWSFailure) -> StepFailure {
    if failure.isCancellation { return .cancelled }
    guard case .service(let error) = failure else { return .temporary("\(failure)") }
    switch error.kind {
    case .transient, .throttling, .credentials, .clockSkew: return .temporary("\(failure)")
    case .permanent: return .refused("\(failure)")
    }
}
