internal import ArgumentParser
internal import Daemon
internal import Foundation

struct WAL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wal",
        abstract: "Look into the write-ahead log, and repair it.",
        discussion: """
            The log holds every failure event from the moment SQS was told to forget it until the \
            store has applied it. When the daemon refuses to start because of the log:

            1. s3remedyd wal verify DIR    changes nothing: names file, offset and LSN, says what to do
            2. the daemon said 'belong' or 'missing', and the reason is known (a restored backup, a \
            deleted directory):  s3remedyd wal adopt DIR
            3. verify said DAMAGE: check the disk, then  s3remedyd wal salvage DIR

            verify and dump may run beside the daemon; adopt and salvage need it stopped.
            """,
        subcommands: [Verify.self, Dump.self, Salvage.self, Adopt.self])

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

    struct Salvage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Write what can be read of a damaged log, with the store, into a new directory.",
            discussion: """
                For a log that the daemon refuses as damaged. DIR itself is never written to. The new \
                directory DIR.salvaged-N is a complete state directory: every record that can be read \
                and that the store has not, under new LSNs, and a copy of the failure store. What was \
                left out is listed: file, bytes, LSNs, and why. S3 does not send lost events again: \
                objects of the listed time may be FAILED in S3 and unknown here.

                Before: stop the daemon (systemctl stop s3remedyd), look at the disk (dmesg, smartctl), \
                see that there is room for a copy of DIR (du -sh DIR; df DIR).
                After: set state.directory to the new directory, or move both; give it to the daemon's \
                user; start the daemon. Keep DIR until nobody asks for it any more.

                Exit status: 0 written; 78 no log there; 75 a daemon holds DIR; 1 it could not be \
                written, and then nothing is left of it.
                """)

        @OptionGroup var subject: Directory

        func run() async throws {
            let (text, status) = await salvageLog(directory: subject.directory)
            print(text)
            throw ExitCode(status)
        }
    }

    struct Adopt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accept a log and a store that the daemon refuses as no pair.",
            discussion: """
                For a start that was refused because log and store do not belong together: the store \
                is from a backup, wal/ was deleted or restored, a segment is gone. Running this says: I \
                know why, go on with what is there. Events that are missing then stay missing. Damage \
                is never adopted; that is for 'wal salvage'.

                Every record of the log that the store has not goes into a fresh log; the old one stays \
                as DIR/wal.replaced-N. It may be interrupted at any time and run again.

                Before: stop the daemon (systemctl stop s3remedyd). If the other half still exists (the \
                newer failures.db, the moved wal/), put it back instead.
                After: start the daemon.

                Exit status: 0 adopted, or nothing to accept; 78 damage, a newer format, or no state \
                directory; 75 a daemon holds DIR; 1 it could not be done.
                """)

        @OptionGroup var subject: Directory

        func run() async throws {
            let (text, status) = await adoptLog(directory: subject.directory)
            print(text)
            throw ExitCode(status)
        }
    }
}
