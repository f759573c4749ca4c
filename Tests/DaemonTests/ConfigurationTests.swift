import Foundation
import Testing

@testable import Daemon

struct ConfigurationTests {
    let minimal = "queues:\n  - url: https://sqs.eu-west-1.amazonaws.com/111122223333/q\n"

    func error(_ text: String) -> String {
        do {
            _ = try Configuration.parse(text, file: "c.yaml")
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func `one queue is enough, everything else has its default`() throws {
        let configuration = try Configuration.parse(minimal, file: "c.yaml")
        #expect(configuration.queues.map(\.maxPollers) == [8])
        #expect(configuration.batch == nil)
        #expect(configuration.stateDirectory == "/var/lib/s3remedy")
        #expect(configuration.logMaxBytes == 8 << 30)
        #expect(configuration.controlSocket == "/run/s3remedy/control.sock")
    }

    @Test func `every key of the design is read`() throws {
        let text = """
            queues:
              - url: https://sqs.eu-west-1.amazonaws.com/111122223333/q
                region: eu-west-1
                maxPollers: 3
                otherEvents: delete
            buckets: [orders, invoices]
            restrictToBuckets: true
            batch:
              roleArn: arn:aws:iam::111122223333:role/s3remedy-batch
              manifest: {bucket: m, prefix: mm}
              report:   {bucket: r}
              maxActiveJobs: 2
              pollInterval: 45s
              maxObjects: 10
              verify: sample
            state: {directory: /tmp/state}
            wal: {maxBytes: 512MiB, minFreeBytes: 10MB}
            store: {retention: {closed: 40d, quarantine: 48h}, quarantineMaxBytes: 1KiB}
            control: {socket: /tmp/c.sock, operatorGroup: ops}
            metrics: {listen: 127.0.0.1:9477}
            log: {level: debug, keys: hash}
            aws: {endpoints: {sqs: "http://127.0.0.1:1", s3: "http://b", s3control: "http://c", sts: "http://d"}}
            """
        let configuration = try Configuration.parse(text, file: "c.yaml")
        #expect(configuration.queues.first?.otherEvents == .delete)
        #expect(configuration.buckets == ["orders", "invoices"])
        #expect(configuration.restrictToBuckets)
        #expect(configuration.batch?.manifest == .init(bucket: "m", prefix: "mm"))
        #expect(configuration.batch?.report == .init(bucket: "r", prefix: "reports"))
        #expect(configuration.batch?.pollInterval == 45_000)
        #expect(configuration.batch?.verify == .sample)
        #expect(configuration.logMaxBytes == 512 << 20)
        #expect(configuration.logMinFreeBytes == 10_000_000)
        #expect(configuration.closedRetention == 40 * 86_400_000)
        #expect(configuration.quarantineRetention == 48 * 3_600_000)
        #expect(configuration.operatorGroup == "ops")
        #expect(configuration.endpoints.sts == "http://d")
    }

    @Test func `an unknown key is named with file, line and the nearest key`() {
        let cases: [(String, [String])] = [
            (
                minimal + "bucket: [a]\n",
                ["c.yaml:3:", "unknown key bucket", "did you mean buckets?"]
            ),
            (
                minimal + "batch:\n  rolearn: x\n",
                ["c.yaml:4:", "unknown key rolearn in batch", "did you mean roleArn?"]
            ),
            (
                "queues:\n  - url: https://h/1/q\n    regoin: x\n",
                ["c.yaml:3:", "unknown key regoin in queues[0]", "did you mean region?"]
            ),
            (minimal + "zzzzzzzz: 1\n", ["c.yaml:3:", "known are queues, buckets"]),
            (minimal + "\"\\e[31m\": 1\n", ["c.yaml:3:", "unknown key ?[31m"]),
        ]
        for (text, parts) in cases {
            let said = error(text)
            for part in parts { #expect(said.contains(part), "\(said)") }
        }
    }

    @Test func `a key without effect is said, a default is not`() throws {
        let place = "{bucket: b}"
        let text =
            "queues:\n  - {url: \"https://h/1/q\", maxPollers: 2}\nbuckets: [a]\n"
            + "metrics: {listen: \"0.0.0.0:1\"}\nlog: {keys: hash}\n"
            + "batch: {roleArn: \"arn:aws:iam::1:role/r\", manifest: \(place), report: \(place), "
            + "verify: none}\n"
        let notices = try Configuration.parse(text, file: "c.yaml").notices
        let named = [
            "metrics.listen", "batch.verify: none",
        ]
        #expect(notices.count == named.count)
        for (notice, name) in zip(notices, named) { #expect(notice.hasPrefix(name), "\(notice)") }
        let quiet =
            minimal + "buckets: [a]\nrestrictToBuckets: true\nmetrics: {listen: \"[::1]:1\"}\n"
        #expect(try Configuration.parse(quiet, file: "c.yaml").notices == [])
        #expect(try Configuration.parse(minimal, file: "c.yaml").notices == [])
    }

    @Test func `a bad value is named with its form`() {
        let cases: [(String, [String])] = [
            (
                minimal + "wal: {maxBytes: lots}\n",
                ["c.yaml:3:", "wal.maxBytes is \"lots\"", "a size"]
            ),
            (minimal + "wal: {maxBytes: 1KiB}\n", ["wal.maxBytes is \"1KiB\"", "at least"]),
            (
                minimal + "store: {retention: {closed: 1d}}\n",
                ["store.retention.closed is \"1d\"", "30d at least"]
            ),
            (
                minimal + "log: {level: loud}\n",
                ["log.level is \"loud\"", "one of trace, debug, info"]
            ),
            (minimal + "state: {directory: here}\n", ["state.directory is \"here\"", "absolute"]),
            (
                minimal + "control: {socket: /\(String(repeating: "a", count: 108))}\n",
                ["107 bytes"]
            ),
            ("queues:\n  - url: sqs\n", ["c.yaml:2:", "queues[0].url is \"sqs\""]),
            ("queues: []\n", ["queues is missing"]),
            ("queues: x\n", ["c.yaml:1:", "queues is \"x\"", "a list"]),
            ("", ["is empty"]),
            ("a: [\n", ["is not YAML"]),
            ("- 1\n", ["must be a mapping"]),
            (
                minimal + "batch: {roleArn: role, manifest: {bucket: a}, report: {bucket: b}}\n",
                ["batch.roleArn is \"role\"", "arn:aws:iam::"]
            ),
            (minimal + "batch: {roleArn: arn:aws:iam::1:role/x}\n", ["batch.manifest is missing"]),
            (
                minimal
                    + "batch: {roleArn: arn:aws:iam::1:role/x, manifest: {bucket: a}, report: {bucket: b}, pollInterval: 1s}\n",
                ["batch.pollInterval is \"1s\"", "AWS's rule"]
            ),
            (
                minimal + "  - url: https://sqs.eu-west-1.amazonaws.com/111122223333/q\n",
                ["c.yaml:3:", "for the second time"]
            ),
        ]
        for (text, parts) in cases {
            let said = error(text)
            for part in parts { #expect(said.contains(part), "\(said) lacks \(part)") }
        }
        print("bad values \(cases.count)")
    }

    @Test func `a file that cannot be read is named`() {
        #expect(
            throws: ConfigurationError(
                file: "/nowhere/c.yaml",
                sentence:
                    "cannot be read: make it (config/s3remedy.yaml is a start), or name another "
                    + "with --config")
        ) { try Configuration.read(file: "/nowhere/c.yaml") }
    }

    @Test func `the configuration that we ship is valid`() throws {
        let folder = #filePath.components(separatedBy: "/Tests/")[0]
        _ = try Configuration.read(file: folder + "/config/s3remedy.yaml")
    }
}
