import AWSProtocol
import Domain
import HTTPTransport
import Synchronization
import SystemIO
import TestSupport

/// Amazon S3, S3 Batch Operations and STS in memory, behind the HTTP port: versions with their replication status, a
/// bucket's rules, jobs that end when the test says so, and their reports. Every reply's `Date` is the clock's.
final class ScriptedCloud: HTTPExchanging {
    /// What HEAD says of a version.
    enum Version: Sendable, Equatable {
        case status(String?)
        case archived
        case deleteMarker
        case customerKey
        case absent
        case denied
    }

    struct Rule: Sendable {
        var id: String
        var isEnabled: Bool
        var destination: String

        init(_ id: String, _ isEnabled: Bool, _ destination: String) {
            self.id = id
            self.isEnabled = isEnabled
            self.destination = destination
        }
    }

    struct Job: Sendable {
        var id: String
        var token: String
        var description: String
        var operation = "S3ReplicateObject"
        var status: String
        var createdAt: Timestamp
        var manifestKey = ""
        var total: Int?
        var failed = 0
        var failureReason: String?
    }

    struct State: Sendable {
        var versions: [String: Version] = [:]
        var rules = [Rule("r1", true, "backup")]
        var lifecycleRules = 0
        var jobs: [Job] = []
        var objects: [String: [UInt8]] = [:]
        var asked: [(operation: String, target: String, body: [UInt8])] = []
        /// Answers to the next requests of an operation, instead of the usual: status and code.
        var refusals: [String: [(status: Int, code: String)]] = [:]
        /// The next requests of an operation take effect, and their answers are lost.
        var lost: [String: Int] = [:]
        /// The process dies at this request, counted from 1, before or after it took effect; it hears nothing more.
        var death: (request: Int, takesEffect: Bool)?
        var requests = 0
        var isDead = false
        /// Jobs begin as this.
        var firstStatus = "Active"
    }

    private let state = Mutex(State())
    let clock: ManualClock

    init(clock: ManualClock) {
        self.clock = clock
    }

    func cancel() {}

    /// Looks at everything, or changes it.
    func with<Value: Sendable>(_ work: (inout State) -> Value) -> Value {
        state.withLock { work(&$0) }
    }

    nonisolated(nonsending) func perform(
        _ request: HTTPRequest
    ) async throws(HTTPFailure) -> HTTPReply {
        let url = request.url.dropFirst("http://aws".count)
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts[0])
        let query = parts.count > 1 ? String(parts[1]) : ""
        let now = clock.wallMilliseconds()
        let (reply, failure) = state.withLock { state -> (HTTPReply, HTTPFailure?) in
            let operation = Self.operation(request.method, path, query)
            state.requests += 1
            let dies = state.death?.request == state.requests
            state.isDead = state.isDead || dies
            let nothing = HTTPReply(status: 200, headers: [], body: [])
            if state.isDead, !dies || state.death?.takesEffect != true {
                return (nothing, .cancelled)
            }
            state.asked.append((operation, path, request.body))
            if var left = state.refusals[operation], let next = left.first {
                left.removeFirst()
                state.refusals[operation] = left
                return (Self.error(next.status, next.code), nil)
            }
            let reply = state.answer(operation, request, path, query, now)
            if dies { return (reply, .cancelled) }
            guard state.lost[operation] ?? 0 > 0 else { return (reply, nil) }
            state.lost[operation, default: 0] -= 1
            return (reply, .noReply("the connection broke"))
        }
        if let failure { throw failure }
        return HTTPReply(
            status: reply.status, headers: reply.headers + [("Date", httpDate(now))],
            body: reply.body)
    }

    private static func operation(_ method: String, _ path: String, _ query: String) -> String {
        let jobs = "/v20180820/jobs"
        if path.hasPrefix(jobs) {
            if method == "GET" { return path == jobs ? "ListJobs" : "DescribeJob" }
            return path == jobs ? "CreateJob" : "UpdateJobStatus"
        }
        if path == "/" { return "GetCallerIdentity" }
        if path.dropFirst().contains("/") {
            return ["HEAD": "HeadObject", "PUT": "PutObject"][method] ?? "GetObject"
        }
        if query.contains("replication") { return "GetBucketReplication" }
        if query.contains("versioning") { return "GetBucketVersioning" }
        if query.contains("lifecycle") { return "GetBucketLifecycleConfiguration" }
        return "ListObjectVersions"
    }

    static func error(_ status: Int, _ code: String) -> HTTPReply {
        .xml("<Error><Code>\(code)</Code><Message>m</Message></Error>", status: status)
    }
}

extension ScriptedCloud.State {
    fileprivate mutating func answer(
        _ operation: String, _ request: HTTPRequest, _ path: String, _ query: String, _ now: Int64
    ) -> HTTPReply {
        switch operation {
        case "GetCallerIdentity":
            return .xml(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/u"
                    + "</Arn><Account>111122223333</Account></GetCallerIdentityResult>"
                    + "</GetCallerIdentityResponse>")
        case "CreateJob": return create(String(decoding: request.body, as: UTF8.self), now)
        case "ListJobs": return listed(query)
        case "DescribeJob":
            let id = String(path.split(separator: "/").last ?? "")
            guard let job = jobs.first(where: { $0.id == id }) else {
                return ScriptedCloud.error(404, "NoSuchJob")
            }
            return .xml("<DescribeJobResult><Job>\(job.xml)</Job></DescribeJobResult>")
        case "UpdateJobStatus": return update(path, query)
        case "PutObject":
            guard objects[path] == nil else {
                return ScriptedCloud.error(412, "PreconditionFailed")
            }
            objects[path] = request.body
            return HTTPReply(status: 200, headers: [("ETag", "\"e\"")], body: [])
        case "HeadObject": return head(path, query)
        case "GetObject": return get(path, request)
        case "ListObjectVersions": return list(query)
        default: return configuration(operation)
        }
    }

    private mutating func create(_ body: String, _ now: Int64) -> HTTPReply {
        func text(_ tag: String) -> String {
            guard let start = body.firstRange(of: "<\(tag)>")?.upperBound,
                let end = body[start...].firstRange(of: "</\(tag)>")?.lowerBound
            else { return "" }
            return String(body[start..<end])
        }
        let token = text("ClientRequestToken")
        if let known = jobs.first(where: { $0.token == token }) {
            return .xml("<CreateJobResult><JobId>\(known.id)</JobId></CreateJobResult>")
        }
        var job = ScriptedCloud.Job(
            id: "job-\(jobs.count + 1)", token: token, description: text("Description"),
            status: text("ConfirmationRequired") == "true" ? "Suspended" : firstStatus,
            createdAt: Timestamp(milliseconds: now))
        job.manifestKey = String(text("ObjectArn").dropFirst("arn:aws:s3:::".count))
        jobs.append(job)
        return .xml("<CreateJobResult><JobId>\(job.id)</JobId></CreateJobResult>")
    }

    private func listed(_ query: String) -> HTTPReply {
        let statuses = query.split(separator: "&").filter { $0.hasPrefix("jobStatuses=") }
            .map { $0.dropFirst("jobStatuses=".count) }
        let wanted = jobs.filter { job in
            statuses.isEmpty || statuses.contains { $0 == job.status }
        }
        let members = wanted.map {
            "<member>\($0.xml)<Operation>\($0.operation)</Operation></member>"
        }
        return .xml("<ListJobsResult><Jobs>\(members.joined())</Jobs></ListJobsResult>")
    }

    private mutating func update(_ path: String, _ query: String) -> HTTPReply {
        let id = path.split(separator: "/").dropLast().last.map(String.init)
        guard let index = jobs.firstIndex(where: { $0.id == id }) else {
            return ScriptedCloud.error(404, "NoSuchJob")
        }
        let isReady = query.contains("requestedJobStatus=Ready")
        guard isReady == (jobs[index].status == "Suspended") || !isReady else {
            return ScriptedCloud.error(400, "JobStatusException")
        }
        jobs[index].status = isReady ? "Active" : "Cancelling"
        return .xml("<UpdateJobStatusResult></UpdateJobStatusResult>")
    }

    private func head(_ path: String, _ query: String) -> HTTPReply {
        guard let version = versions[ScriptedCloud.name(path, query)] else {
            guard let object = objects[path] else {
                return HTTPReply(status: 404, headers: [], body: [])
            }
            // Our own digest, as the metadata of the manifest has it.
            return HTTPReply(
                status: 200,
                headers: [("ETag", "\"e\""), ("x-amz-meta-s3remedy-sha256", sha256Digits(object))],
                body: [])
        }
        switch version {
        case .status(let status):
            let header = status.map { [("x-amz-replication-status", $0)] } ?? []
            return HTTPReply(status: 200, headers: header, body: [])
        case .archived:
            return HTTPReply(
                status: 200,
                headers: [
                    ("x-amz-storage-class", "GLACIER"), ("x-amz-replication-status", "FAILED"),
                ], body: [])
        case .deleteMarker: return HTTPReply(status: 405, headers: [], body: [])
        case .customerKey: return HTTPReply(status: 400, headers: [], body: [])
        case .absent: return HTTPReply(status: 404, headers: [], body: [])
        case .denied: return HTTPReply(status: 403, headers: [], body: [])
        }
    }

    /// A GET of a version only explains a HEAD; others read what was put.
    private func get(_ path: String, _ request: HTTPRequest) -> HTTPReply {
        let version = versions.first { $0.key.hasPrefix(path + "?") }?.value
        switch version {
        case .customerKey:
            return .xml(
                "<Error><Code>InvalidRequest</Code><Message>The object was stored using a form of Server Side "
                    + "Encryption. The correct parameters must be provided.</Message></Error>",
                status: 400)
        case .denied: return ScriptedCloud.error(403, "AccessDenied")
        case .status, .archived, .deleteMarker, .absent:
            return ScriptedCloud.error(404, "NoSuchKey")
        case nil: break
        }
        guard let object = objects[path] else { return ScriptedCloud.error(404, "NoSuchKey") }
        guard request.headers.contains(where: { $0.name == "range" }) else {
            return HTTPReply(status: 200, headers: [("ETag", "\"e\"")], body: object)
        }
        return HTTPReply(
            status: 206,
            headers: [
                ("ETag", "\"e\""), ("Content-Range", "bytes 0-\(object.count - 1)/\(object.count)"),
            ], body: object)
    }

    private func list(_ query: String) -> HTTPReply {
        let prefix = query.split(separator: "&").first { $0.hasPrefix("prefix=") }?
            .dropFirst("prefix=".count)
        let found = versions.filter { name, version in
            version != .absent
                && name.split(separator: "?").first.map { path in
                    path.split(separator: "/").dropFirst().joined(separator: "/")
                        .hasPrefix(prefix.map(String.init) ?? "")
                } == true
        }
        let entries = found.keys.sorted().map { name in
            let parts = name.split(separator: "?")
            let key = parts[0].split(separator: "/").dropFirst().joined(separator: "/")
            return "<Version><Key>\(key)</Key><VersionId>\(parts[1])</VersionId></Version>"
        }
        return .xml(
            "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
                + entries.joined() + "</ListVersionsResult>")
    }

    private func configuration(_ operation: String) -> HTTPReply {
        switch operation {
        case "GetBucketReplication":
            guard !rules.isEmpty else {
                return ScriptedCloud.error(404, "ReplicationConfigurationNotFoundError")
            }
            let all = rules.map { rule in
                "<Rule><ID>\(rule.id)</ID><Status>\(rule.isEnabled ? "Enabled" : "Disabled")</Status>"
                    + "<Destination><Bucket>arn:aws:s3:::\(rule.destination)</Bucket></Destination></Rule>"
            }
            return .xml("<ReplicationConfiguration>\(all.joined())</ReplicationConfiguration>")
        case "GetBucketVersioning":
            return .xml(
                "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        default:
            guard lifecycleRules > 0 else {
                return ScriptedCloud.error(404, "NoSuchLifecycleConfiguration")
            }
            let rule = "<Rule><Status>Enabled</Status></Rule>"
            return .xml(
                "<LifecycleConfiguration>\(String(repeating: rule, count: lifecycleRules))"
                    + "</LifecycleConfiguration>")
        }
    }
}

extension ScriptedCloud.Job {
    fileprivate var xml: String {
        let succeeded = (total ?? 0) - failed
        let progress =
            total.map {
                "<ProgressSummary><TotalNumberOfTasks>\($0)</TotalNumberOfTasks>"
                    + "<NumberOfTasksSucceeded>\(succeeded)</NumberOfTasksSucceeded>"
                    + "<NumberOfTasksFailed>\(failed)</NumberOfTasksFailed></ProgressSummary>"
            } ?? ""
        let reason =
            failureReason.map {
                "<FailureReasons><member><FailureCode>\($0)</FailureCode><FailureReason>why"
                    + "</FailureReason></member></FailureReasons>"
            } ?? ""
        return
            "<JobId>\(id)</JobId><Description>\(description)</Description><Status>\(status)</Status>"
            + "<CreationTime>\(createdAt)</CreationTime>\(progress)\(reason)"
    }
}

extension HTTPReply {
    static func xml(_ text: String, status: Int = 200) -> HTTPReply {
        HTTPReply(status: status, headers: [], body: Array(text.utf8))
    }
}
