/// Takes the reply as libcurl hands it out, piece by piece, and stops it at the limits.
final class ReplyCollector {
    /// All header lines of one exchange together, interim replies included.
    static let maximumHeaderBytes = 64 * 1024
    /// What a length is believed for before the bytes are there.
    private static let maximumReserved = 256 * 1024

    private(set) var headers: [(name: String, value: String)] = []
    private(set) var body: [UInt8] = []
    /// What was too large, once something was.
    private(set) var excess: String?
    /// The blank line behind the headers came. libcurl takes a connection that closes before it for a success.
    private(set) var isHeadComplete = false
    /// The taker of a successful body wants no more of it.
    private(set) var isEnough = false
    private let maximumReplyBytes: Int
    private let takePiece: (([UInt8]) -> Bool)?
    private var headerBytes = 0
    private var isSuccess = false

    /// - Parameter takePiece: gets the body of a 2xx reply, which is then neither kept nor limited; false ends it.
    init(maximumReplyBytes: Int, takePiece: (([UInt8]) -> Bool)? = nil) {
        self.maximumReplyBytes = maximumReplyBytes
        self.takePiece = takePiece
    }

    /// One header line with its line end; a status line begins a new block (after `100 Continue`, say).
    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count
        guard headerBytes <= Self.maximumHeaderBytes else {
            excess = "reply headers of more than \(Self.maximumHeaderBytes) bytes"
            return false
        }
        if line.starts(with: "HTTP/".utf8) {
            headers.removeAll()
            isHeadComplete = false
            isSuccess = line.split(separator: UInt8(ascii: " ")).dropFirst().first?.first == 0x32
        } else if line.elementsEqual("\r\n".utf8) || line.elementsEqual("\n".utf8) {
            isHeadComplete = true
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            headers.append(
                (name: trimmed(line, 0, colon), value: trimmed(line, colon + 1, line.count)))
            reserve()
        }
        return true
    }

    /// The body's memory at once, when its length was told and is allowed.
    private func reserve() {
        guard takePiece == nil, let header = headers.last, header.name.utf8.count == 14,
            header.name.lowercased() == "content-length", let length = Int(header.value),
            (0...min(maximumReplyBytes, Self.maximumReserved)).contains(length)
        else { return }
        body.reserveCapacity(length)
    }

    func takeBody(_ piece: UnsafeRawBufferPointer) -> Bool {
        if let takePiece, isSuccess {
            isEnough = !takePiece(Array(piece))
            return !isEnough
        }
        guard piece.count <= maximumReplyBytes - body.count else {
            excess = "a reply of more than \(maximumReplyBytes) bytes"
            body = []
            return false
        }
        body.append(contentsOf: piece)
        return true
    }
}

private func trimmed(_ line: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> String {
    var (start, end) = (start, end)
    while start < end, isBlank(line[start]) { start += 1 }
    while start < end, isBlank(line[end - 1]) { end -= 1 }
    return String(decoding: UnsafeRawBufferPointer(rebasing: line[start..<end]), as: UTF8.self)
}

private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
