import Logging
import Testing

@testable import Daemon

struct ConfigurationChangesTests {
    static let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/q"

    func configuration(_ rest: String = "", queue: String = "") throws -> Configuration {
        try .parse("queues:\n  - url: \(Self.url)\n\(queue)\n\(rest)", file: "c.yaml")
    }

    /// Every key of the file but the queue's URL, each other than in `base`.
    static let base = """
        batch:
          roleArn: arn:aws:iam::111122223333:role/a
          manifest: {bucket: m, prefix: p}
          report: {bucket: r, prefix: q}
        metrics: {listen: 127.0.0.1:9477}
        control: {operatorGroup: a}
        aws: {endpoints: {sqs: "http://a", s3: "http://a", s3control: "http://a", sts: "http://a"}}
        """
    static let other = """
        buckets: [b]
        restrictToBuckets: true
        batch:
          roleArn: arn:aws:iam::111122223333:role/b
          manifest: {bucket: m2, prefix: p2}
          report: {bucket: r2, prefix: q2}
          maxActiveJobs: 3
          pollInterval: 45s
          maxObjects: 7
          verify: sample
        state: {directory: /other}
        wal: {maxBytes: 512MiB, minFreeBytes: 1000}
        store: {retention: {closed: 40d, quarantine: 36h}, quarantineMaxBytes: 1KiB}
        control: {socket: /other.sock, operatorGroup: b}
        metrics: {listen: "[::1]:9477"}
        log: {level: debug, keys: hash}
        aws: {endpoints: {sqs: "http://b", s3: "http://b", s3control: "http://b", sts: "http://b"}}
        """
    static let queue = "    region: eu-west-1\n    maxPollers: 3\n    otherEvents: delete"

    @Test func `every key of the file is compared, and says when it applies`() throws {
        let (old, new) = (
            try configuration(Self.base), try configuration(Self.other, queue: Self.queue)
        )
        let changes = old.changes(to: new)
        let now = changes.filter(\.appliesNow).map(\.key)
        #expect(
            now == [
                "queues[0].maxPollers", "queues[0].otherEvents", "buckets", "restrictToBuckets",
                "batch.maxActiveJobs",
                "batch.pollInterval", "batch.maxObjects", "wal.maxBytes", "wal.minFreeBytes",
                "store.retention.closed", "store.retention.quarantine", "store.quarantineMaxBytes",
                "control.operatorGroup", "log.level", "log.keys",
            ])
        let atRestart = changes.filter { !$0.appliesNow }.map(\.key)
        #expect(
            atRestart == [
                "queues[0].region", "batch.roleArn",
                "batch.manifest.bucket", "batch.manifest.prefix", "batch.report.bucket",
                "batch.report.prefix", "batch.verify", "state.directory", "control.socket",
                "metrics.listen", "aws.endpoints.sqs", "aws.endpoints.s3",
                "aws.endpoints.s3control", "aws.endpoints.sts",
            ])
        print("cases \(changes.count) keys")
    }

    @Test func `values stand as a file would say them`() throws {
        let changes = try configuration(Self.base).changes(
            to: configuration(Self.other, queue: Self.queue))
        func values(_ key: String) -> [String?] {
            changes.filter { $0.key == key }.flatMap { [$0.from, $0.to] }
        }
        #expect(values("wal.maxBytes") == ["8GiB", "512MiB"])
        #expect(values("wal.minFreeBytes") == ["1GiB", "1000B"])
        #expect(values("store.retention.closed") == ["90d", "40d"])
        #expect(values("store.retention.quarantine") == ["30d", "36h"])
        #expect(values("batch.pollInterval") == ["30s", "45s"])
        #expect(values("buckets") == [nil, "b"])
        #expect(values("queues[0].region") == [nil, "eu-west-1"])
        #expect(values("log.level") == ["info", "debug"])
    }

    @Test func `what applies now is taken over, what needs a restart stays pending`() throws {
        let (old, new) = (
            try configuration(Self.base), try configuration(Self.other, queue: Self.queue)
        )
        let running = old.adopting(new)
        #expect(running.changes(to: new) == old.changes(to: new).filter { !$0.appliesNow })
        #expect(running.queues[0].maxPollers == 3 && running.queues[0].otherEvents == .delete)
        #expect(running.batch?.pollInterval == 45_000 && running.batch?.roleARN.last == "a")
        #expect(running.wantedBuckets == ["b"] && running.stateDirectory == old.stateDirectory)
        #expect(old.changes(to: old).isEmpty)
        let back = new.changes(to: old).filter { $0.key == "queues[0].otherEvents" }
        #expect(
            back.map(\.appliesNow) == [false] && new.adopting(old).queues[0].otherEvents == .delete)
        #expect(new.changes(to: old).map(\.key) == old.changes(to: new).map(\.key))
    }

    @Test func `a queue is known by its URL, and one that comes or goes needs a restart`() throws {
        let old = try configuration()
        let two = "  - url: https://sqs.eu-west-1.amazonaws.com/111122223333/a\n    maxPollers: 2\n"
        let new = try Configuration.parse(
            "queues:\n" + two + "  - url: \(Self.url)\n    maxPollers: 5\n", file: "c.yaml")
        let changes = old.changes(to: new)
        #expect(changes.map(\.key) == ["queues", "queues[1].maxPollers"])
        #expect(changes.map(\.appliesNow) == [false, true])
        let running = old.adopting(new)
        #expect(running.queues.map(\.url) == [Self.url] && running.queues[0].maxPollers == 5)
        #expect(new.changes(to: old).map(\.key) == ["queues", "queues[0].maxPollers"])
    }

    @Test func `a batch section that comes or goes needs a restart as a whole`() throws {
        let (without, with) = (try configuration(), try configuration(Self.base))
        let came = without.changes(to: with).filter { $0.key.hasPrefix("batch") }
        #expect(came.map(\.key) == ["batch"] && came.map(\.appliesNow) == [false])
        #expect(without.adopting(with).batch == nil && with.adopting(without).batch == with.batch)
    }

    @Test func `a key is hashed with a salt, the same each time, and hidden without one`() {
        let logging = LogSettings(keys: .hash)
        #expect(logging.shown(key: "a/b") == "hidden")
        logging.setSalt([1, 2, 3])
        let hash = logging.shown(key: "a/b")
        // python3: hmac.new(b"\x01\x02\x03", b"a/b", "sha256").hexdigest()[:16]
        #expect(hash == "hmac:160bb89ad2b92fa9")
        #expect(logging.shown(key: "a/c") != hash)
        logging.set(level: .debug, keys: .plain)
        #expect(logging.shown(key: "a/b") == "a/b" && logging.level == .debug)
    }
}
