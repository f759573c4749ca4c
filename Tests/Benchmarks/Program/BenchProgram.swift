import ArgumentParser

/// What `make bench` runs in processes of their own, so that each has its own memory and its own syncs to count. Each
/// prints one JSON object; bench.py makes the tables. Not part of any package.
@main
struct BenchProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "s3remedy-bench",
        abstract: "Measures one part of s3remedy, or what one would use instead; prints JSON.",
        subcommands: [
            DecodeCommand.self, LogCommand.self, RecoveryCommand.self, StoreCommand.self,
            ManifestCommand.self,
        ])
}

/// Where the state is.
struct BenchDirectory: ParsableArguments {
    @Option(help: "Directory for the state, on a disk.")
    var directory: String

    func validate() throws {
        try refuseMemoryFileSystem(directory)
    }
}
