internal import SystemIO

/// A part of a file in memory that moves over it: bounded memory whatever the file's size.
struct FileWindow {
    let file: any OpenFile
    /// Bytes read at once.
    private let step: Int
    private(set) var bytes: [UInt8] = []
    /// Where in the file `bytes` starts.
    private var start = 0
    private var count = 0

    init(_ file: any OpenFile, step: Int = 1 << 20) {
        self.file = file
        self.step = step
    }

    /// Forgets what was read: the file may have changed since.
    mutating func invalidate() {
        count = 0
    }

    /// Makes `length` bytes at `offset` of the file readable. Returns where in `bytes` they start; nil when the file
    /// ends before them.
    mutating func load(_ offset: Int, _ length: Int) throws(FileFailure) -> Int? {
        if offset >= start && offset + length <= start + count { return offset - start }
        let wanted = max(length, step)
        if bytes.count < wanted {
            bytes = [UInt8](repeating: 0, count: wanted)
        }
        start = offset
        count = 0
        count = try bytes.fill(from: file, at: offset)
        return count >= length ? 0 : nil
    }

    /// How many bytes from `offset` on are in memory, at least one unless the file ends there.
    mutating func loadSome(_ offset: Int) throws(FileFailure) -> Range<Int> {
        guard let index = try load(offset, 1) else { return 0..<0 }
        return index..<count
    }
}
