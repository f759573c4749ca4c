package import ControlServer

/// The daemon's configuration with its defaults. Read strictly by `ConfigurationReader`; credentials never live in it.
package struct Configuration: Equatable, Sendable {
    package enum OtherEvents: String, Sendable, CaseIterable { case stop, delete }
    package enum Verify: String, Sendable, CaseIterable { case all, sample, none }
    package enum KeyLogging: String, Sendable, CaseIterable { case plain, hash }
    package enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    package struct Queue: Equatable, Sendable {
        package var url: String
        /// Nil: from the URL's host, AWS_REGION, or the instance's metadata.
        package var region: String?
        package var maxPollers = 8
        package var otherEvents = OtherEvents.stop
    }

    package struct Place: Equatable, Sendable {
        package var bucket: String
        package var prefix: String
    }

    /// What S3 Batch Operations needs; remediation refuses without it.
    package struct Batch: Equatable, Sendable {
        package var roleARN: String
        package var manifest: Place
        package var report: Place
        package var maxActiveJobs = 4
        /// Milliseconds between two DescribeJob calls for one job.
        package var pollInterval: Int64 = 30_000
        package var maxObjects: Int64 = 10_000_000
        package var verify = Verify.all
    }

    package struct Endpoints: Equatable, Sendable {
        package var sqs: String?
        package var s3: String?
        package var s3control: String?
        package var sts: String?
    }

    package var queues: [Queue] = []
    package var buckets: [String] = []
    package var restrictToBuckets = false
    package var batch: Batch?
    package var stateDirectory = "/var/lib/s3remedy"
    package var logMaxBytes: Int64 = 8 << 30
    package var logMinFreeBytes: Int64 = 1 << 30
    /// Milliseconds.
    package var closedRetention: Int64 = 90 * 86_400_000
    package var quarantineRetention: Int64 = 30 * 86_400_000
    package var quarantineMaxBytes: Int64 = 1 << 30
    package var controlSocket = "/run/s3remedy/control.sock"
    package var operatorGroup: String?
    package var metricsListen: TCPAddress?
    package var logLevel = LogLevel.info
    package var keyLogging = KeyLogging.plain
    package var endpoints = Endpoints()
}

/// A configuration that is not to be used: the file, the line, and a sentence that names key, value and fix.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package var file: String
    /// 1 for the first line; nil where the file as a whole is meant.
    package var line: Int?
    package var sentence: String

    package init(file: String, line: Int? = nil, sentence: String) {
        self.file = file
        self.line = line
        self.sentence = sentence
    }

    package var description: String {
        "\(file)\(line.map { ":\($0)" } ?? ""): \(sentence)"
    }
}
