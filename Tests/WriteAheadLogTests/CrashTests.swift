import Glibc
import SystemIO
import TestSupport
import Testing
import WriteAheadLog

/// A power cut, a failing call or a restart at every call that the log makes to the file system.
struct CrashTests {
    /// Groups of all sizes, five switches, removals, idle promises, a clean end and another start, and no end at all.
    private static let story: [CrashWorld.Step] = [
        .append(1), .append(3), .idle, .together([2, 1, 4]), .append(5), .append(9), .apply,
        .append(2), .append(6), .idle, .append(1), .reopen, .append(4), .together([3, 3, 3]),
        .apply,
        .append(7), .idle, .append(2), .append(1), .close,
    ]
    private static let seeds = 0..<5 as Range<UInt64>

    /// Plays the story on a disk whose calls `prepare` has arranged.
    private func played(
        isTimeEager: Bool = false, _ prepare: (SimulatedDisk) -> Void = { _ in }
    ) async -> CrashWorld {
        let disk = SimulatedDisk()
        prepare(disk)
        let world = CrashWorld(disk: disk, isTimeEager: isTimeEager)
        let (witness, _) = await world.play(Self.story)
        return CrashWorld(disk: disk, witness: witness)
    }

    private func after(_ world: CrashWorld, _ disk: SimulatedDisk) -> CrashWorld {
        CrashWorld(disk: disk, witness: world.witness)
    }

    @Test func `the same story makes the same calls, and reaches all that the log does`()
        async throws
    {
        let (one, two) = (await played(), await played())
        #expect(one.disk.calls == two.disk.calls)
        #expect(one.witness.acknowledged.count == 17)
        #expect(one.witness.acknowledged == two.witness.acknowledged)
        let counts = one.disk.callCounts
        print("the story's calls: \(counts.sorted { $0.key < $1.key })")
        #expect(try #require(counts["rename"]) >= 6)
        #expect(try #require(counts["unlink"]) >= 3)
        #expect(try #require(counts["fdatasync"]) >= 30)
    }

    @Test func `a crash after every call loses no acknowledged record and invents none`() async {
        let total = await played().disk.calls.count
        var held = 0
        var problems: [String] = []
        for last in 0...total {
            let world = await played { $0.stop(afterCall: last) }
            var found: [String] = []
            for seed in Self.seeds {
                found += await after(world, world.disk.crashed(seed: seed)).problems(seed: seed)
                    .map { "crash after call \(last), seed \(seed): \($0)" }
            }
            if found.isEmpty { held += 1 }
            problems += found
        }
        print("crash points \(held)/\(total + 1), \(Self.seeds.count) seeds each")
        #expect(problems.prefix(9) == [])
    }

    @Test func `a crash after every call of a recovery loses nothing either`() async {
        let calls = await played().disk.calls
        let changes = calls.indices.filter {
            ["pwrite", "rename", "ftruncate"].contains(calls[$0])
        }
        var (held, tried, torn) = (0, 0, 0)
        var problems: [String] = []
        for last in changes.map({ $0 + 1 }) {
            let world = await played { $0.stop(afterCall: last) }
            let left = after(world, world.disk.crashed(seed: UInt64(last)))
            let whole = after(left, left.disk.copy())
            _ = await whole.play([.close])
            let names = (try? whole.disk.names(in: "/state/wal")) ?? []
            if names.contains(where: { $0.hasSuffix(".torn") }) { torn += 1 }
            for call in 0...whole.disk.calls.count {
                let recovering = after(left, left.disk.copy())
                recovering.disk.stop(afterCall: call)
                let (witness, _) = await recovering.play([.close])
                let disk = recovering.disk.crashed(seed: UInt64(call))
                let found = await CrashWorld(disk: disk, witness: witness)
                    .problems(seed: UInt64(last))
                tried += 1
                if found.isEmpty { held += 1 }
                problems += found.map { "log of \(last), recovery's call \(call): \($0)" }
            }
        }
        print("crash points in recovery \(held)/\(tried), \(torn) of the logs torn")
        #expect(torn > 0)
        #expect(problems.prefix(9) == [])
    }

    /// The restart reads what the disk does not hold, the power cut shows it.
    @Test(arguments: [EIO, ENOSPC])
    func `a failure of every call, a restart and a power cut lose nothing`(errno: Int32) async {
        let total = await played(isTimeEager: true).disk.calls.count
        let faults: [SimulatedDisk.Fault] = [.refused(errno), .short(errno), .late(errno)]
        var (held, tried) = (0, 0)
        var problems: [String] = []
        for call in 1...total {
            for fault in faults {
                let world = await played(isTimeEager: true) { $0.fail(call: call, fault) }
                let restarted = after(world, world.disk.copy())
                let found =
                    await restarted.problems(seed: UInt64(call))
                    + after(world, world.disk.crashed(seed: UInt64(call))).problems(seed: 1)
                tried += 1
                if found.isEmpty { held += 1 }
                problems += found.map { "call \(call) \(fault): \($0)" }
            }
        }
        print("failing calls, errno \(errno): \(held)/\(tried)")
        #expect(problems.prefix(9) == [])
    }
}
