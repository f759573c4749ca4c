internal import ArgumentParser
internal import ControlAPI
internal import Daemon

@main
struct S3Remedyd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "s3remedyd",
        abstract: "Keeps S3's replication failures, answers for them, and repairs them.",
        version: programVersion,
        subcommands: [Run.self, CheckConfig.self, WAL.self])
}

struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration.", valueName: "file"))
    var config = "/etc/s3remedy/s3remedy.yaml"
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run until stopped by SIGTERM.",
        discussion: """
            Exit status: 0 stopped, 1 a part failed, 75 another daemon holds the state directory, \
            78 the configuration, the log or the store is not to be used.
            """)

    @OptionGroup var options: ConfigurationOption

    func run() async throws {
        throw ExitCode(await runDaemon(configurationFile: options.config))
    }
}

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say whether the configuration is valid; exit status 78 when it is not.",
        discussion: """
            Also whether this host has what it asks for: the operators' group, and a Region for each queue, asked \
            from the instance's metadata where neither the file nor the environment names it.
            """)

    @OptionGroup var options: ConfigurationOption

    func run() async throws {
        let (text, status) = await checkConfiguration(file: options.config)
        print(text)
        throw ExitCode(status)
    }
}
