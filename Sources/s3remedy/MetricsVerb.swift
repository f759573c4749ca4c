internal import ArgumentParser

struct MetricsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Prints the daemon's metrics in Prometheus's text format.",
        discussion: """
            For the node exporter's textfile collector, as a file with the group s3remedy:
              s3remedy metrics > s3remedy.prom.new && mv s3remedy.prom.new s3remedy.prom
            """)

    @OptionGroup var options: GlobalOptions

    func run(in session: Session) async throws(CommandFailure) -> ExitStatus {
        try session.output.write(try await session.client.text("/metrics"))
        return .ok
    }
}
