internal import ControlAPI
internal import Domain
internal import FailureStore
internal import Intake
internal import Metrics
internal import SystemIO
internal import WriteAheadLog

/// Puts a scrape's answer together from what the parts say of themselves.
struct MetricsAssembler: Sendable {
    let status: StatusAssembler

    /// Never fails as a whole: what the store does not tell is absent, as in `status`.
    func text() async -> String {
        let reply = await status.reply()
        let rules = (try? await status.rules()) ?? []
        let families =
            general(reply) + queues(status.monitors.map(\.snapshot), reply) + log(reply)
            + store(reply) + failures(rules) + process()
        return prometheusText(families)
    }

    private func general(_ reply: StatusReply) -> [MetricFamily] {
        var build = MetricFamily(
            "s3remedy_build_info", .gauge, "Always 1; the label says which program runs.")
        build.add(1, ["version": reply.version])
        var problems = MetricFamily(
            "s3remedy_problems", .gauge, "Present troubles by their code in status.")
        for (code, same) in Dictionary(grouping: reply.problems, by: \.code).sorted(by: {
            $0.key < $1.key
        }) {
            problems.add(Double(same.count), ["code": code])
        }
        var remediations = MetricFamily(
            "s3remedy_remediations", .gauge, "Remediations that are not at their end.")
        remediations.add((reply.remediations?.running).map(Double.init), ["state": "running"])
        remediations.add((reply.remediations?.queued).map(Double.init), ["state": "queued"])
        return [
            build,
            MetricFamily(
                "s3remedy_paused", .gauge, "1 while an operator's pause holds the intake.",
                reply.pausedUntil == nil ? 0 : 1),
            problems, remediations,
        ]
    }

    private func queues(_ snapshots: [QueueSnapshot], _ reply: StatusReply) -> [MetricFamily] {
        func family(
            _ name: String, _ kind: MetricFamily.Kind, _ help: String,
            _ value: (QueueSnapshot, StatusReply.Queue) -> Double?
        ) -> MetricFamily {
            var family = MetricFamily("s3remedy_queue_" + name, kind, help)
            for (snapshot, queue) in zip(snapshots, reply.queues) {
                family.add(value(snapshot, queue), ["queue": queue.url])
            }
            return family
        }
        return [
            family("receives_total", .counter, "ReceiveMessage calls that were answered.") {
                snapshot, _ in
                Double(snapshot.receives)
            },
            family("messages_received_total", .counter, "Messages received.") { snapshot, _ in
                Double(snapshot.received)
            },
            family(
                "messages_deleted_total", .counter,
                "Messages deleted, all of them synced to the log before."
            ) { snapshot, _ in
                Double(snapshot.deleted)
            },
            family(
                "messages_quarantined_total", .counter,
                "Messages that could not be decoded in full."
            ) { snapshot, _ in
                Double(snapshot.quarantined)
            },
            family("foreign_events_total", .counter, "S3 events that are not replication's.") {
                snapshot, _ in
                Double(snapshot.foreign)
            },
            family(
                "replaced_event_times_total", .counter,
                "Event times more than 5 minutes after their message, replaced by its time."
            ) { snapshot, _ in
                Double(snapshot.replacedTimes)
            },
            family("pollers", .gauge, "Pollers that run.") { snapshot, _ in Double(snapshot.pollers)
            },
            family("last_receive_timestamp_seconds", .gauge, "When the last receive was answered.")
            { snapshot, _ in
                seconds(snapshot.lastReceiveAt)
            },
            family("visible_messages", .gauge, "ApproximateNumberOfMessages.") { _, queue in
                queue.visible.map(Double.init)
            },
            family("in_flight_messages", .gauge, "ApproximateNumberOfMessagesNotVisible.") {
                _, queue in
                queue.inFlight.map(Double.init)
            },
            family("oldest_message_age_seconds", .gauge, "No message that waits is older.") {
                _, queue in
                queue.oldestAgeSeconds.map(Double.init)
            },
            family("retention_seconds", .gauge, "MessageRetentionPeriod: older messages are lost.")
            { _, queue in
                queue.retentionSeconds.map(Double.init)
            },
            family("dead_letter_messages", .gauge, "Messages in the queue's dead-letter queue.") {
                _, queue in
                (queue.deadLetter?.messages).map(Double.init)
            },
        ]
    }

    private func log(_ reply: StatusReply) -> [MetricFamily] {
        [
            MetricFamily(
                "s3remedy_log_bytes", .gauge, "Size of the write-ahead log on disk.",
                Double(reply.log.bytes)),
            MetricFamily(
                "s3remedy_log_segments", .gauge, "Its segments.", Double(reply.log.segments)),
            MetricFamily(
                "s3remedy_log_records_synced_total", .counter,
                "Records ever made durable: the synced LSN.", Double(reply.log.syncedLSN)),
            MetricFamily(
                "s3remedy_log_paused", .gauge, "1 while the log has no room and the intake waits.",
                reply.log.paused == nil ? 0 : 1),
            MetricFamily(
                "s3remedy_log_commit_duration_seconds", "Writing and syncing one group of records.",
                status.log.commits),
        ]
    }

    private func store(_ reply: StatusReply) -> [MetricFamily] {
        [
            MetricFamily(
                "s3remedy_store_records_applied_total", .counter,
                "Records ever applied: the applied LSN.", Double(reply.log.appliedLSN)),
            MetricFamily(
                "s3remedy_store_lag_records", .gauge,
                "Records in the log that the store has not yet.", Double(reply.store.lagRecords)),
            MetricFamily(
                "s3remedy_store_bytes", .gauge, "Size of the failure store on disk.",
                reply.store.bytes.map(Double.init)),
            MetricFamily(
                "s3remedy_store_failures", .gauge, "Failures in any state.",
                reply.store.failures.map(Double.init)),
            MetricFamily(
                "s3remedy_store_quarantined_messages", .gauge, "Messages in quarantine.",
                reply.store.quarantined.map(Double.init)),
        ]
    }

    private func failures(_ rules: [RuleOverview]) -> [MetricFamily] {
        var counts = MetricFamily("s3remedy_failures", .gauge, "Failures by rule and state.")
        var bytes = MetricFamily(
            "s3remedy_open_bytes", .gauge, "Bytes of the open failures by rule.")
        var oldest = MetricFamily(
            "s3remedy_oldest_open_timestamp_seconds", .gauge,
            "When the rule's oldest open failure failed last.")
        var missed = MetricFamily(
            "s3remedy_threshold_missed_objects", .gauge,
            "Objects beyond the 15 minutes of Replication Time Control.")
        for rule in rules {
            let (bucket, id) = (rule.rule.sourceBucket, rule.rule.ruleID)
            for state in FailureState.allCases {
                counts.add(
                    Double(rule.counts[state] ?? 0),
                    ["bucket": bucket, "rule": id, "state": state.name])
            }
            bytes.add(Double(rule.openBytes), ["bucket": bucket, "rule": id])
            oldest.add(seconds(rule.oldestOpenAt), ["bucket": bucket, "rule": id])
            missed.add(Double(rule.missedThreshold), ["bucket": bucket, "rule": id])
        }
        return [counts, bytes, oldest, missed]
    }

    private func process() -> [MetricFamily] {
        let usage = ProcessUsage()
        var memory = MetricFamily("process_resident_memory_bytes", .gauge, "Resident memory.")
        memory.add(usage.residentBytes.map(Double.init))
        var files = MetricFamily("process_open_fds", .gauge, "Open file descriptors.")
        files.add(usage.openFiles.map(Double.init))
        return [
            memory, files,
            MetricFamily(
                "process_cpu_seconds_total", .counter, "User and system time.", usage.cpuSeconds),
        ]
    }
}

private func seconds(_ time: Timestamp?) -> Double? {
    time.map { Double($0.milliseconds) / 1000 }
}
