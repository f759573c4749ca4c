internal import Foundation

/// Runs Tests/AWSProtocolTests/botocore_answers.py with the Python that has botocore (`S3REMEDY_PYTHON`, else the
/// `.build/venv` that `make test` fills) and reads its JSON. botocore is the judge of what AWS's own SDKs do.
package func botocoreAnswers<Answers: Decodable>(
    _ arguments: String..., as type: Answers.Type
) throws -> Answers {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    let python =
        ProcessInfo.processInfo.environment["S3REMEDY_PYTHON"]
        ?? root.appendingPathComponent(".build/venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: python) else {
        throw MissingPython(path: python)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments =
        [root.appendingPathComponent("Tests/AWSProtocolTests/botocore_answers.py").path] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode(Answers.self, from: data)
}

private struct MissingPython: Error, CustomStringConvertible {
    var path: String

    var description: String {
        "\(path) is missing: make test installs it, or set S3REMEDY_PYTHON to a Python with botocore"
    }
}
