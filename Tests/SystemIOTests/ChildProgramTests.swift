internal import SystemIO
internal import Testing

private func failure(_ arguments: String..., seconds: Int64 = 60, bytes: Int = 1000)
    -> ChildFailure?
{
    do {
        _ = try outputOfProgram(arguments, within: .seconds(seconds), atMost: bytes)
        return nil
    } catch {
        return error
    }
}

@Test func `a program's output is whole and its input is empty`() throws {
    let output = try outputOfProgram(
        ["sh", "-c", "cat; printf '%s|' \"$@\"; kill -l >/dev/null", "x", "a b", ""],
        within: .seconds(60), atMost: 100)
    #expect(output == Array("a b||".utf8))
    let full = try outputOfProgram(
        ["head", "-c", "100000", "/dev/zero"], within: .seconds(60), atMost: 100_000)
    #expect(full.count == 100_000)
}

@Test func `what a program does wrong is told apart`() {
    #expect(failure("/nonexistent/program") == .cannotStart(errno: 2))
    #expect(failure("sh", "-c", "exit 7") == .failed(status: 7))
    #expect(failure("sh", "-c", "kill -9 $$") == .killed(signal: 9))
    #expect(failure("head", "-c", "1001", "/dev/zero") == .tooMuch(limit: 1000))
    #expect(failure("sleep", "600", seconds: 0) == .tooLate(.seconds(0)))
}

@Test func `a child has no signal blocked or ignored`() throws {
    let lines = try outputOfProgram(
        ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"], within: .seconds(60), atMost: 1000)
    let masks = String(decoding: lines, as: UTF8.self).split { $0 == "\t" || $0 == "\n" }
        .compactMap { UInt64($0, radix: 16) }
    // 32 and 33 are the C library's own.
    #expect(masks.map { $0 & 0x7FFF_FFFF } == [0, 0])
}

@Test func `a small file is read whole, a longer one is refused`() throws {
    let files = PosixFileSystem()
    #expect(try !files.contents(of: "/proc/self/status", atMost: 65_536).isEmpty)
    #expect(throws: ContentsFailure.tooLong(path: "/dev/zero", limit: 10)) {
        try files.contents(of: "/dev/zero", atMost: 10)
    }
    #expect(throws: ContentsFailure.self) { try files.contents(of: "/nonexistent", atMost: 10) }
}
