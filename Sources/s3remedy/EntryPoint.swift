internal import Glibc

@main
struct EntryPoint {
    static func main() async {
        exit(await runCommandLine(Array(CommandLine.arguments.dropFirst())).rawValue)
    }
}
