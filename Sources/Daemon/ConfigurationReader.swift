internal import ControlServer
internal import Foundation
internal import Yams

extension Configuration {
    /// Reads a configuration file of at most 1 MiB.
    package static func read(file: String) throws(ConfigurationError) -> Configuration {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw ConfigurationError(
                file: file,
                sentence: "cannot be read: make it (config/s3remedy.yaml is a start), or name "
                    + "another with --config")
        }
        let limit = 1 << 20
        let data: Data
        do {
            data = try handle.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw ConfigurationError(file: file, sentence: "cannot be read: \(error)")
        }
        guard data.count <= limit else {
            throw ConfigurationError(
                file: file, sentence: "is longer than 1 MiB: is it the right file?")
        }
        return try parse(String(decoding: data, as: UTF8.self), file: file)
    }

    /// Parses a configuration; `file` is the name for errors.
    package static func parse(_ text: String, file: String) throws(ConfigurationError)
        -> Configuration
    {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw notYAML(error, file)
        } catch {
            throw ConfigurationError(file: file, sentence: "is not YAML: \(error)")
        }
        guard let node else {
            throw ConfigurationError(file: file, sentence: "is empty: queues is required")
        }
        let keys = [
            "queues", "buckets", "restrictToBuckets", "batch", "state", "wal", "store", "control",
            "metrics", "log", "aws",
        ]
        return try Configuration(YAMLSection(node, path: "", file: file, keys: keys))
    }

    /// The place and the problem alone: the whole of what Yams says quotes the file over several lines.
    private static func notYAML(_ error: YamlError, _ file: String) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ConfigurationError(file: file, line: mark.line, sentence: "is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            ConfigurationError(
                file: file, line: context.mark.line,
                sentence: "a key stands there twice: \(duplicates.joined(separator: ", "))")
        default: ConfigurationError(file: file, sentence: "is not YAML: \(error)")
        }
    }

    private init(_ root: YAMLSection) throws(ConfigurationError) {
        self.init()
        try readQueues(root)
        buckets = try root.strings("buckets") ?? []
        restrictToBuckets = try root.value("restrictToBuckets", "true or false", Bool.init) ?? false
        try readEndpoints(root)
        try readBatch(root)
        try readState(root)
        try readShell(root)
    }

    private mutating func readQueues(_ root: YAMLSection) throws(ConfigurationError) {
        let wanted = "a list of queues, each with its url"
        let keys = ["url", "region", "maxPollers", "otherEvents"]
        guard let sections = try root.sections("queues", keys: keys), !sections.isEmpty else {
            throw root.missing("queues", wanted)
        }
        for section in sections {
            let form =
                "the queue's URL, such as https://sqs.eu-west-1.amazonaws.com/111122223333/name"
            let url = try section.value("url", form) { text in
                URL(string: text).flatMap {
                    ["http", "https"].contains($0.scheme) && $0.host != nil
                        && $0.pathComponents.count >= 2 ? text : nil
                }
            }
            guard let url else { throw section.missing("url", form) }
            var queue = Queue(url: url, region: try section.string("region"))
            queue.maxPollers = Int(try section.integer("maxPollers", 1...64) ?? 8)
            queue.otherEvents = try section.choice("otherEvents", OtherEvents.self) ?? .stop
            if queues.contains(where: { $0.url == url }) {
                throw ConfigurationError(
                    file: section.file, line: section.line,
                    sentence: "\(section.path).url names \(url) for the second time: once is enough"
                )
            }
            queues.append(queue)
        }
    }

    private mutating func readEndpoints(_ root: YAMLSection) throws(ConfigurationError) {
        let services = ["sqs", "s3", "s3control", "sts"]
        guard let aws = try root.section("aws", keys: ["endpoints"]),
            let section = try aws.section("endpoints", keys: services)
        else { return }
        func endpoint(_ key: String) throws(ConfigurationError) -> String? {
            try section.value(key, "a URL such as https://host or http://127.0.0.1:4566") { text in
                URL(string: text).flatMap {
                    ["http", "https"].contains($0.scheme) && $0.host != nil ? text : nil
                }
            }
        }
        endpoints = Endpoints(
            sqs: try endpoint("sqs"), s3: try endpoint("s3"), s3control: try endpoint("s3control"),
            sts: try endpoint("sts"))
    }

    private mutating func readBatch(_ root: YAMLSection) throws(ConfigurationError) {
        let keys = [
            "roleArn", "manifest", "report", "maxActiveJobs", "pollInterval", "maxObjects",
            "verify",
        ]
        guard let section = try root.section("batch", keys: keys) else { return }
        func place(_ key: String, prefix: String) throws(ConfigurationError) -> Place {
            let wanted = "a mapping of bucket and prefix"
            guard let inner = try section.section(key, keys: ["bucket", "prefix"]) else {
                throw section.missing(key, wanted)
            }
            guard let bucket = try inner.string("bucket") else {
                throw inner.missing("bucket", "the name of a bucket in the job's Region")
            }
            return Place(bucket: bucket, prefix: try inner.string("prefix") ?? prefix)
        }
        let form = "the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME"
        let role = try section.value("roleArn", form) {
            $0.hasPrefix("arn:") && $0.contains(":iam::") && $0.contains(":role/") ? $0 : nil
        }
        guard let role else { throw section.missing("roleArn", form) }
        var batch = Batch(
            roleARN: role, manifest: try place("manifest", prefix: "manifests"),
            report: try place("report", prefix: "reports"))
        batch.maxActiveJobs = Int(try section.integer("maxActiveJobs", 1...6) ?? 4)
        // AWS asks for no more than a DescribeJob every 30 s; a stand-in may be asked as often as one likes.
        let least: Int64 = endpoints.s3control == nil ? 30_000 : 10
        let limit = endpoints.s3control == nil ? "30s at least (AWS's rule)" : "10ms at least"
        batch.pollInterval =
            try section.duration("pollInterval", atLeast: least, limit) ?? 30_000
        batch.maxObjects = try section.integer("maxObjects", 1...20_000_000_000) ?? 10_000_000
        batch.verify = try section.choice("verify", Verify.self) ?? .all
        self.batch = batch
    }

    private mutating func readState(_ root: YAMLSection) throws(ConfigurationError) {
        if let state = try root.section("state", keys: ["directory"]) {
            let path = try state.value("directory", "an absolute path") {
                $0.hasPrefix("/") ? $0 : nil
            }
            stateDirectory = path ?? stateDirectory
        }
        if let wal = try root.section("wal", keys: ["maxBytes", "minFreeBytes"]) {
            logMaxBytes = try wal.size("maxBytes", atLeast: 256 << 20) ?? logMaxBytes
            logMinFreeBytes = try wal.size("minFreeBytes", atLeast: 0) ?? logMinFreeBytes
        }
        guard let store = try root.section("store", keys: ["retention", "quarantineMaxBytes"])
        else {
            return
        }
        quarantineMaxBytes = try store.size("quarantineMaxBytes", atLeast: 0) ?? quarantineMaxBytes
        if let retention = try store.section("retention", keys: ["closed", "quarantine"]) {
            let day: Int64 = 86_400_000
            closedRetention =
                try retention.duration("closed", atLeast: 30 * day, "30d at least")
                ?? closedRetention
            quarantineRetention =
                try retention.duration("quarantine", atLeast: day, "1d at least")
                ?? quarantineRetention
        }
    }

    private mutating func readShell(_ root: YAMLSection) throws(ConfigurationError) {
        if let control = try root.section("control", keys: ["socket", "operatorGroup"]) {
            // sockaddr_un holds 108 bytes, the closing NUL among them.
            let form = "an absolute path of at most 107 bytes"
            let path = try control.value("socket", form) {
                $0.hasPrefix("/") && $0.utf8.count <= 107 ? $0 : nil
            }
            controlSocket = path ?? controlSocket
            operatorGroup = try control.string("operatorGroup")
        }
        if let metrics = try root.section("metrics", keys: ["listen"]) {
            let form = "an IP address of this host and a port, such as 127.0.0.1:9477 or [::1]:9477"
            metricsListen = try metrics.value("listen", form) { TCPAddress($0) }
        }
        if let log = try root.section("log", keys: ["level", "keys"]) {
            logLevel = try log.choice("level", LogLevel.self) ?? .info
            keyLogging = try log.choice("keys", KeyLogging.self) ?? .plain
        }
    }
}
