internal import ArgumentParser
internal import Daemon
internal import Foundation

struct WAL: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wal",
        abstract: "Look into the write-ahead log. Changes nothing, and may run beside the daemon.",
        discussion: """
            The log holds every failure event from the moment SQS was told to forget it until the \
            store has applied it. When the daemon refuses to start because of the log, run \
            'wal verify' first: it names file, offset and LSN, and says what to do.
            """,
        subcommands: [Verify.self, Dump.self])

    struct Directory: ParsableArguments {
        @Argument(
            help: ArgumentHelp(
                "The configuration's state.directory, with the files lock and wal.",
                valueName: "dir"))
        var directory: String
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every frame of the log and say whether it is whole.",
            discussion: """
                One line per segment, one per problem, and a verdict at the end.

                clean      every record can be read
                torn tail  the last write was cut off by a power cut or a kill. Nothing that was \
                acknowledged is missing; the next start cuts it off and keeps a copy
                DAMAGE     a record was acknowledged and cannot be read. The daemon refuses to start

                Exit status: 0 clean, or a torn tail only; 78 damaged, or no log there; \
                1 it cannot be read.
                """)

        @OptionGroup var subject: Directory

        func run() throws {
            let (text, status) = verifyLog(directory: subject.directory)
            print(text)
            throw ExitCode(status)
        }
    }

    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print one line for each record of the log that can be read.",
            discussion: """
                LSN, type, bytes, kind and what the record says, with tabs between; keys and names \
                are percent-encoded. Records that the store has applied stand here too, until their \
                segment is removed. Problems go to standard error.

                Exit status: as for verify.
                """)

        @OptionGroup var subject: Directory

        func run() throws {
            let (text, status) = dumpLog(directory: subject.directory) { print($0) }
            if !text.isEmpty { FileHandle.standardError.write(Data((text + "\n").utf8)) }
            throw ExitCode(status)
        }
    }
}
