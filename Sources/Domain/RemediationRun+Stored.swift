// The stored document. Members that later versions added are optional there, and an older document had one job.

extension RemediationRun: Codable {
    private enum Member: String, CodingKey {
        case id, rule, region, selection, priority, options, createdAt, createdBy, state, precheck,
            canary, objects, bytes, jobs, sampleLeft, goneBrake, finishedAt, problem
        /// Of version 3: the only job, and its manifest beside it.
        case manifest, job
    }

    private struct OldJob: Decodable {
        var request: [UInt8]
        var jobID: String?
        var status: String?
        var createdAt: Timestamp?
        var tasks: Tasks?
        var endedAt: Timestamp?
        var problem: String?
    }

    package init(from decoder: any Decoder) throws {
        let stored = try decoder.container(keyedBy: Member.self)
        self.init(
            id: try stored.decode(String.self, forKey: .id),
            rule: try stored.decode(RuleName.self, forKey: .rule),
            region: try stored.decode(String.self, forKey: .region),
            selection: try stored.decode(FailureSelection.self, forKey: .selection),
            priority: try stored.decode(Int.self, forKey: .priority),
            options: try stored.decodeIfPresent(Options.self, forKey: .options) ?? Options(),
            createdAt: try stored.decode(Timestamp.self, forKey: .createdAt),
            createdBy: try stored.decode(String.self, forKey: .createdBy))
        state = try stored.decode(State.self, forKey: .state)
        objects = try stored.decode(Int64.self, forKey: .objects)
        bytes = try stored.decode(Int64.self, forKey: .bytes)
        canary = try stored.decodeIfPresent(Canary.self, forKey: .canary)
        sampleLeft = try stored.decodeIfPresent(Int64.self, forKey: .sampleLeft)
        goneBrake = try stored.decodeIfPresent(GoneBrake.self, forKey: .goneBrake)
        finishedAt = try stored.decodeIfPresent(Timestamp.self, forKey: .finishedAt)
        problem = try stored.decodeIfPresent(String.self, forKey: .problem)
        if let seen = try stored.decodeIfPresent(Precheck.self, forKey: .precheck) {
            precheck = seen
        } else {
            // It selected without looking first, and may be in the middle of that.
            precheck.isDone = true
        }
        jobs = try stored.decodeIfPresent([Job].self, forKey: .jobs) ?? Self.oldJobs(stored)
    }

    private static func oldJobs(_ stored: KeyedDecodingContainer<Member>) throws -> [Job] {
        guard let manifest = try stored.decodeIfPresent(Manifest.self, forKey: .manifest) else {
            return []
        }
        var job = Job(role: .main, manifest: manifest)
        if let old = try stored.decodeIfPresent(OldJob.self, forKey: .job) {
            job.request = old.request
            job.jobID = old.jobID
            job.status = old.status
            job.createdAt = old.createdAt
            job.tasks = old.tasks
            job.endedAt = old.endedAt
            job.problem = old.problem
        }
        return [job]
    }

    package func encode(to encoder: any Encoder) throws {
        var stored = encoder.container(keyedBy: Member.self)
        try stored.encode(id, forKey: .id)
        try stored.encode(rule, forKey: .rule)
        try stored.encode(region, forKey: .region)
        try stored.encode(selection, forKey: .selection)
        try stored.encode(priority, forKey: .priority)
        try stored.encode(options, forKey: .options)
        try stored.encode(createdAt, forKey: .createdAt)
        try stored.encode(createdBy, forKey: .createdBy)
        try stored.encode(state, forKey: .state)
        try stored.encode(precheck, forKey: .precheck)
        try stored.encodeIfPresent(canary, forKey: .canary)
        try stored.encode(objects, forKey: .objects)
        try stored.encode(bytes, forKey: .bytes)
        try stored.encode(jobs, forKey: .jobs)
        try stored.encodeIfPresent(sampleLeft, forKey: .sampleLeft)
        try stored.encodeIfPresent(goneBrake, forKey: .goneBrake)
        try stored.encodeIfPresent(finishedAt, forKey: .finishedAt)
        try stored.encodeIfPresent(problem, forKey: .problem)
    }
}
