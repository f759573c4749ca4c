import Foundation

/// The project's Swift sources, as text.
struct SourceTree {
    struct File {
        /// From the top of the project, such as `Sources/Domain/Failure.swift`.
        var path: String
        var lines: [String]

        /// The module that a file of `Sources` belongs to.
        var module: String? {
            let parts = path.split(separator: "/")
            return parts.first == "Sources" && parts.count > 2 ? String(parts[1]) : nil
        }
    }

    let root: URL
    let files: [File]

    /// Reads the tree that this file stands in.
    init() throws {
        root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var files: [File] = []
        for folder in ["Sources", "Tests"] {
            let walker = FileManager.default.enumerator(
                at: root.appendingPathComponent(folder), includingPropertiesForKeys: nil)
            for case let url as URL in walker ?? .init() where url.pathExtension == "swift" {
                let text = try String(contentsOf: url, encoding: .utf8)
                files.append(
                    File(
                        path: String(url.path.dropFirst(root.path.count + 1)),
                        lines: text.split(separator: "\n", omittingEmptySubsequences: false)
                            .map(String.init)))
            }
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    var sources: [File] { files.filter { $0.path.hasPrefix("Sources/") } }

    /// The table of allowed arrows, read from Package.swift.
    func allowedImports() throws -> [String: Set<String>] {
        let manifest = try String(
            contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let start = manifest.range(of: "let arrows")?.upperBound ?? manifest.startIndex
        let end = manifest.range(of: "\n]", range: start..<manifest.endIndex)?.lowerBound
        let table = manifest[start..<(end ?? manifest.endIndex)]
        var allowed: [String: Set<String>] = [:]
        for match in table.matches(of: /\(\s*"(\w+)",\s*\[([^\]]*)\]\s*\)/) {
            let imports = match.2.matches(of: /"(\w+)"/).map { String($0.1) }
            allowed[String(match.1)] = Set(imports)
        }
        return allowed
    }
}

/// A function's extent, found by its braces.
struct FunctionExtent {
    var name: String
    var firstLine: Int
    var count: Int

    /// Every function, initialiser and accessor block of a file that begins on a line of its own.
    static func all(in lines: [String]) -> [FunctionExtent] {
        var found: [FunctionExtent] = []
        var open: [(name: String, line: Int, depth: Int)] = []
        var pending: (name: String, line: Int)?
        var depth = 0
        for (index, line) in lines.enumerated() {
            let code = withoutStringsAndComments(line)
            if let match = code.firstMatch(
                of: /\b(?:func\s+(`[^`]+`|[^\s(<]+)|(init|deinit)\b\??\s*[(<{])/)
            {
                pending = (String(match.1 ?? match.2 ?? "?"), index)
            }
            for character in code {
                if character == "{" {
                    if let start = pending {
                        open.append((start.name, start.line, depth))
                        pending = nil
                    }
                    depth += 1
                } else if character == "}" {
                    depth -= 1
                    if let last = open.last, last.depth == depth {
                        open.removeLast()
                        found.append(
                            FunctionExtent(
                                name: last.name, firstLine: last.line + 1,
                                count: index - last.line + 1))
                    }
                }
            }
        }
        return found
    }

    private static func withoutStringsAndComments(_ line: String) -> String {
        line.replacing(/"(?:\\.|[^"\\])*"/, with: "\"\"").replacing(/\/\/.*$/, with: "")
    }
}
