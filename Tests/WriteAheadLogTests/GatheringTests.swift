import Testing

@testable import WriteAheadLog

struct GatheringTests {
    static let sync: UInt64 = 200

    /// After two groups whose syncs took 200 ns each, at time 1000.
    func gathering(answered: Int, waiting: Int) -> Gathering {
        var gathering = Gathering()
        for _ in 0..<2 {
            gathering.noteGroup(
                answered: answered, waiting: waiting, endedAt: 1000, took: Self.sync)
        }
        return gathering
    }

    /// Whether the group stays open at each look: so many appends, at that time.
    func looks(_ gathering: inout Gathering, _ looks: [(count: Int, now: UInt64)]) -> [Bool] {
        looks.map { gathering.isOpen(having: $0.count, now: $0.now) }
    }

    @Test func `two halves of the writers become one group`() {
        var gathering = gathering(answered: 8, waiting: 8)
        #expect(looks(&gathering, [(8, 1010), (15, 1050), (16, 1051)]) == [true, true, false])
        gathering.noteGroup(answered: 16, waiting: 0, endedAt: 1300, took: Self.sync)
        // With nothing to commit the committer parks.
        #expect(looks(&gathering, [(0, 1301), (1, 1302), (16, 1303)]) == [false, true, false])
    }

    @Test func `a lone writer never waits`() {
        var gathering = gathering(answered: 1, waiting: 0)
        #expect(looks(&gathering, [(1, 1000), (1, 1100)]) == [false, false])
    }

    @Test func `no wait is longer than the shorter of the last two syncs`() {
        var gathering = gathering(answered: 8, waiting: 8)
        gathering.noteGroup(answered: 8, waiting: 8, endedAt: 2000, took: 1_000_000)
        let end = 2000 + Self.sync
        // Once closed it stays so.
        #expect(looks(&gathering, [(8, end - 1), (8, end), (8, end - 1)]) == [true, false, false])
    }

    @Test func `a first sync, of which nothing is known, is not waited for`() {
        var gathering = Gathering()
        gathering.noteGroup(answered: 8, waiting: 8, endedAt: 1000, took: Self.sync)
        #expect(looks(&gathering, [(8, 1000)]) == [false])
    }

    @Test func `waits in vain become seldom, and one that pays starts anew`() {
        var gathering = gathering(answered: 1, waiting: 1)
        var waits: [Int] = []
        for group in 0..<400 {
            let start = UInt64(2000 + group * 1000)
            gathering.noteGroup(answered: 1, waiting: 1, endedAt: start, took: Self.sync)
            let answers = looks(&gathering, [(1, start), (1, start + Self.sync)])
            #expect(!answers[1])
            if answers[0] { waits.append(group) }
        }
        let gaps = zip(waits, waits.dropFirst()).map { $1 - $0 }
        #expect(gaps.prefix(7) == [1, 2, 4, 8, 16, 32, 64])
        #expect(gaps.dropFirst(6).allSatisfy { $0 == Gathering.mostSkipped })
        print("waits in vain: \(waits.count) of 400 groups")

        var start: UInt64 = 1_000_000
        repeat {
            start += 1000
            gathering.noteGroup(answered: 1, waiting: 1, endedAt: start, took: Self.sync)
        } while looks(&gathering, [(1, start)]) == [false]
        // The other writer comes, so the next group waits too.
        #expect(looks(&gathering, [(2, start + 1)]) == [false])
        gathering.noteGroup(answered: 2, waiting: 0, endedAt: start + 300, took: Self.sync)
        #expect(looks(&gathering, [(1, start + 301)]) == [true])
    }
}
