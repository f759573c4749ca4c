import Foundation
import Testing

/// Rules of the house that the compiler does not know.
struct TidyTests {
    let tree: SourceTree

    init() throws {
        tree = try SourceTree()
    }

    @Test func `modules import only what the table of arrows allows`() throws {
        let allowed = try tree.allowedImports()
        #expect(allowed.count >= 15)
        let toolchain: Set<String> = [
            "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization",
        ]
        var checked = 0
        for file in tree.sources {
            guard let module = file.module else { continue }
            let mine = try #require(allowed[module], "\(module) is not in the table of arrows")
            for line in file.lines {
                guard let match = line.firstMatch(of: /^(?:@\w+ )?(?:\w+ )?import (?:\w+ )?(\w+)/)
                else { continue }
                checked += 1
                let name = String(match.1)
                #expect(
                    mine.contains(name) || toolchain.contains(name),
                    "\(file.path) imports \(name): the table in Package.swift has no such arrow")
            }
        }
        #expect(checked > 50)
        print("imports checked: \(checked)")
    }

    @Test func `every folder of Swift tests is a target`() throws {
        let manifest = try String(
            contentsOf: tree.root.appendingPathComponent("Package.swift"), encoding: .utf8
        ).filter { !$0.isWhitespace }
        let folders = Set(
            tree.files.compactMap { file -> String? in
                let parts = file.path.split(separator: "/")
                return parts[0] == "Tests" && parts[1].hasSuffix("Tests") ? String(parts[1]) : nil
            })
        #expect(folders.count >= 18)
        for folder in folders {
            let target = try Regex("\\(\\s*\"\(folder)\",\\s*\\[")
            #expect(manifest.contains(target), "\(folder) is in no target")
        }
        print("test targets \(folders.count)")
    }

    @Test func `flows never import each other`() throws {
        let allowed = try tree.allowedImports()
        #expect(allowed["Intake"]?.contains("Remediation") == false)
        #expect(allowed["Remediation"]?.contains("Intake") == false)
    }

    @Test func `files have at most 400 lines and functions at most 70`() {
        var functions = 0
        for file in tree.files {
            #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count - 1) lines")
            for function in FunctionExtent.all(in: file.lines) {
                functions += 1
                #expect(
                    function.count <= 70,
                    "\(file.path):\(function.firstLine) \(function.name) has \(function.count) lines"
                )
            }
        }
        #expect(functions > 200)
        print("files \(tree.files.count), functions \(functions)")
    }

    @Test func `the measure of functions sees a long one`() {
        let body = Array(repeating: "    work()", count: 69)
        let long = ["func long() {"] + body + ["}"]
        #expect(FunctionExtent.all(in: long).map(\.count) == [71])
    }

    @Test func `no type bears its module's name`() {
        let modules = Set(tree.sources.compactMap(\.module))
        for file in tree.sources {
            for line in file.lines {
                guard
                    let match = line.firstMatch(
                        of: /\b(?:class|struct|enum|actor|protocol|typealias) (\w+)/)
                else { continue }
                #expect(!modules.contains(String(match.1)), "\(file.path): \(line)")
            }
        }
    }

    @Test func `what is banned is not called`() {
        let banned: [(pattern: Regex<Substring>, instead: String, allowedIn: [String])] = [
            (/\bTask\.sleep\b/, "the clock port", []),
            (/\bThread\.sleep\b|\busleep\(/, "the clock port", []),
            (/\bTask\.detached\b/, "a task of the injected executor", []),
            (/\bDispatchSemaphore\b/, "an actor or a continuation", ["SystemIO"]),
            (/\btry!/, "a typed error", []),
            (/\bfatalError\(/, "a typed error, or preconditionFailure with a sentence", []),
            (/\bnonisolated\(unsafe\)/, "an actor or a Mutex", []),
            (/\b(?:TODO|FIXME|XXX|HACK)\b/, "the work itself", []),
            (
                /\bawait pool\.(?:read|write)/, "GRDB's synchronous calls on the store's executor",
                []
            ),
        ]
        for file in tree.sources {
            for (index, line) in file.lines.enumerated() {
                for rule in banned where line.firstMatch(of: rule.pattern) != nil {
                    let isAllowed = rule.allowedIn.contains(file.module ?? "")
                    #expect(isAllowed, "\(file.path):\(index + 1): use \(rule.instead): \(line)")
                }
            }
        }
    }

    /// There the log's handler can hide it; in a sentence nobody could.
    @Test func `object keys stand in the log field of their own and in no sentence`() {
        let modules: Set<String> = ["AWSClient", "HTTPTransport", "Intake", "Remediation"]
        // What is named there is a manifest or a report, an object of ours: that tells nothing of anybody's data.
        let ours = ["S3UploadOnce.swift", "S3ObjectStream.swift", "ReportSteps.swift"]
        var fields = 0
        for file in tree.sources where modules.contains(file.module ?? "") {
            if ours.contains(where: file.path.hasSuffix) { continue }
            for (index, line) in file.lines.enumerated()
            where line.contains(/key\.(?:encoded|text)/) {
                fields += 1
                #expect(
                    line.contains(/"key": "\\\([\w.]*key\.encoded\)"/),
                    "\(file.path):\(index + 1): log it as metadata \"key\": \(line)")
            }
        }
        print("keys logged: \(fields)")
        #expect(fields > 0)
    }

    @Test func `every waived check says what protects it`() {
        var waived = 0
        for file in tree.sources {
            for (index, line) in file.lines.enumerated() where line.contains("@unchecked Sendable")
            {
                waived += 1
                let near = file.lines[max(0, index - 3)...index].joined(separator: "\n")
                #expect(near.contains("@unchecked:"), "\(file.path):\(index + 1): \(line)")
            }
        }
        print("@unchecked: \(waived)")
        #expect(waived <= 12)
    }
}
