internal import ControlServer

/// A key of the configuration in which the running daemon and its file differ.
package struct ConfigurationChange: Equatable, Sendable {
    /// Such as `wal.maxBytes` or `queues[0].maxPollers`, counted as in the file.
    package var key: String
    /// As the file would say it; nil for what is absent.
    package var from: String?
    package var to: String?
    /// False: at the next start.
    package var appliesNow: Bool
}

extension Configuration {
    /// What `new` has otherwise, in the order of the file's sections.
    package func changes(to new: Configuration) -> [ConfigurationChange] {
        settings(self, new).compactMap { setting in
            let (from, to) = (setting.text(self), setting.text(new))
            guard from != to else { return nil }
            return ConfigurationChange(
                key: setting.key, from: from, to: to, appliesNow: setting.adopt != nil)
        }
    }

    /// Itself with all of `new` that applies while the daemon runs.
    package func adopting(_ new: Configuration) -> Configuration {
        var adopted = self
        for setting in settings(self, new) { setting.adopt?(&adopted, new) }
        return adopted
    }
}

/// One key: what it says in a configuration, and how a running daemon takes it over.
private struct Setting {
    let key: String
    let text: (Configuration) -> String?
    /// Nil: only a restart can.
    var adopt: ((inout Configuration, Configuration) -> Void)?

    static func now<Value>(
        _ key: String, _ path: WritableKeyPath<Configuration, Value>,
        _ text: @escaping (Value) -> String?
    ) -> Setting {
        Setting(
            key: key, text: { text($0[keyPath: path]) },
            adopt: { $0[keyPath: path] = $1[keyPath: path] })
    }

    static func atRestart(
        _ key: String, _ text: @escaping (Configuration) -> String?
    ) -> Setting {
        Setting(key: key, text: text)
    }
}

private func settings(_ running: Configuration, _ new: Configuration) -> [Setting] {
    queueSettings(running, new) + [
        .now("buckets", \.buckets) { $0.isEmpty ? nil : $0.joined(separator: ", ") },
        .now("restrictToBuckets", \.restrictToBuckets) { "\($0)" },
    ] + batchSettings(running, new) + [
        .atRestart("state.directory") { $0.stateDirectory },
        .now("wal.maxBytes", \.logMaxBytes, sizeText),
        .now("wal.minFreeBytes", \.logMinFreeBytes, sizeText),
        .now("store.retention.closed", \.closedRetention, durationText),
        .now("store.retention.quarantine", \.quarantineRetention, durationText),
        .now("store.quarantineMaxBytes", \.quarantineMaxBytes, sizeText),
        .atRestart("control.socket") { $0.controlSocket },
        .now("control.operatorGroup", \.operatorGroup) { $0 },
        .atRestart("metrics.listen") { $0.metricsListen?.description },
        .now("log.level", \.logLevel) { $0.rawValue },
        .now("log.keys", \.keyLogging) { $0.rawValue },
        .atRestart("aws.endpoints.sqs") { $0.endpoints.sqs },
        .atRestart("aws.endpoints.s3") { $0.endpoints.s3 },
        .atRestart("aws.endpoints.s3control") { $0.endpoints.s3control },
        .atRestart("aws.endpoints.sts") { $0.endpoints.sts },
    ]
}

/// A queue is the same one where its URL is; the order means nothing.
private func queueSettings(_ running: Configuration, _ new: Configuration) -> [Setting] {
    let list = Setting.atRestart("queues") { $0.queues.map(\.url).sorted().joined(separator: ", ") }
    let known = Set(running.queues.map(\.url))
    return [list]
        + new.queues.enumerated().filter { known.contains($0.element.url) }.flatMap {
            index, queue in
            func of(_ configuration: Configuration) -> Configuration.Queue? {
                configuration.queues.first { $0.url == queue.url }
            }
            func adopt(
                _ change: @escaping (inout Configuration.Queue) -> Void
            ) -> (inout Configuration, Configuration) -> Void {
                { adopted, _ in
                    let place = adopted.queues.firstIndex { $0.url == queue.url }
                    if let place { change(&adopted.queues[place]) }
                }
            }
            return [
                Setting.atRestart("queues[\(index)].region") { of($0)?.region },
                Setting(
                    key: "queues[\(index)].maxPollers",
                    text: { of($0).map { "\($0.maxPollers)" } },
                    adopt: adopt { $0.maxPollers = queue.maxPollers }),
                // The other way round pollers would have to give back what they have taken for theirs.
                Setting(
                    key: "queues[\(index)].otherEvents", text: { of($0)?.otherEvents.rawValue },
                    adopt: queue.otherEvents == .delete
                        ? adopt { $0.otherEvents = .delete } : nil),
            ]
        }
}

/// A `batch` that comes or goes makes or ends a part of the daemon: at the next start.
private func batchSettings(_ running: Configuration, _ new: Configuration) -> [Setting] {
    guard running.batch != nil, new.batch != nil else {
        return [.atRestart("batch") { $0.batch?.roleARN }]
    }
    func now<Value>(
        _ key: String, _ path: WritableKeyPath<Configuration.Batch, Value>,
        _ text: @escaping (Value) -> String
    ) -> Setting {
        Setting(
            key: "batch." + key, text: { $0.batch.map { text($0[keyPath: path]) } },
            adopt: { adopted, new in
                if let batch = new.batch { adopted.batch?[keyPath: path] = batch[keyPath: path] }
            })
    }
    func atRestart(
        _ key: String, _ text: @escaping (Configuration.Batch) -> String
    ) -> Setting {
        .atRestart("batch." + key) { $0.batch.map(text) }
    }
    return [
        atRestart("roleArn") { $0.roleARN },
        atRestart("manifest.bucket") { $0.manifest.bucket },
        atRestart("manifest.prefix") { $0.manifest.prefix },
        atRestart("report.bucket") { $0.report.bucket },
        atRestart("report.prefix") { $0.report.prefix },
        now("maxActiveJobs", \.maxActiveJobs) { "\($0)" },
        now("pollInterval", \.pollInterval, durationText),
        now("maxObjects", \.maxObjects) { "\($0)" },
        atRestart("verify") { $0.verify.rawValue },
    ]
}

/// In the greatest unit that says it exactly.
private func sizeText(_ bytes: Int64) -> String {
    text(bytes, [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)])
}

private func durationText(_ milliseconds: Int64) -> String {
    text(
        milliseconds,
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)])
}

private func text(_ value: Int64, _ units: [(name: String, factor: Int64)]) -> String {
    let unit = units.first { value != 0 && value % $0.factor == 0 } ?? units[units.count - 1]
    return "\(value / unit.factor)\(unit.name)"
}
