internal import ControlAPI
internal import Foundation

/// The objects of a file with one JSON object a line, each with keyEncoded and versionId: what `failures list -o ndjson`
/// writes. `-` is standard input.
func listedObjects(_ file: String) throws(CommandFailure) -> [RemediationRequest.Object] {
    // More would not fit into a request.
    let longest = 64 * 1024 * 1024
    let handle = file == "-" ? .standardInput : FileHandle(forReadingAtPath: file)
    let data = try? handle?.read(upToCount: longest + 1)
    guard handle != nil, let data = data ?? (handle == nil ? nil : Data()) else {
        throw .notFound(
            "\(shown(file)) cannot be read: give a file that failures list -o ndjson wrote.")
    }
    guard data.count <= longest else {
        throw .usage("--objects: \(shown(file)) is longer than 64 MiB: use filters instead.")
    }
    var objects: [RemediationRequest.Object] = []
    for (index, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
        guard
            let object = try? JSONDecoder().decode(RemediationRequest.Object.self, from: Data(line))
        else {
            throw .usage(
                "--objects: line \(index + 1) of \(shown(file)) has no keyEncoded and versionId: write the "
                    + "file with failures list -o ndjson.")
        }
        objects.append(object)
    }
    guard !objects.isEmpty else {
        throw .nothingToDo("nothing to do: \(shown(file)) lists no object.")
    }
    return objects
}
