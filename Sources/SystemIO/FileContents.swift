/// Why a whole file was not read.
package enum ContentsFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case file(FileFailure)
    case tooLong(path: String, limit: Int)

    package var description: String {
        switch self {
        case .file(let failure): "\(failure)"
        case .tooLong(let path, let limit): "\(path) is longer than \(limit) bytes"
        }
    }
}

extension FileSystem {
    /// The bytes of a small file, at most `limit` of them; a longer file is an error, whatever size it claims.
    package func contents(of path: String, atMost limit: Int) throws(ContentsFailure) -> [UInt8] {
        do {
            let file = try open(path, .read)
            var bytes = [UInt8](repeating: 0, count: limit + 1)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            let count = try file.read(into: &raw, at: 0)
            guard count <= limit else { throw ContentsFailure.tooLong(path: path, limit: limit) }
            return Array(bytes[..<count])
        } catch let failure as FileFailure {
            throw .file(failure)
        } catch {
            throw .tooLong(path: path, limit: limit)
        }
    }
}
