internal import ControlAPI
internal import ControlServer
internal import Domain
internal import FailureStore
internal import Intake
internal import Logging

extension ControlRoutes {
    func quarantine(_ reader: RequestReader) async throws -> ControlReply {
        let page = try await store.quarantined(
            after: try reader.numberCursor() ?? 0, limit: try reader.limit())
        return .json(
            Page(
                items: page.entries.map { QuarantinedItem($0) },
                nextCursor: page.nextID.map { cursor("\($0)") }))
    }

    func quarantined(_ reader: RequestReader) async throws -> ControlReply {
        let id = try quarantineID(reader)
        guard let entry = try await store.quarantined(after: id - 1, limit: 1).entries.first,
            entry.id == id
        else { throw noSuchQuarantined("\(id)") }
        return .json(QuarantinedItem(entry))
    }

    func replay(_ reader: RequestReader) async throws -> ControlReply {
        let id = try quarantineID(reader)
        do throws(ReplayRefusal) {
            let records = try await quarantineDesk.replay(id)
            logger.notice(
                "quarantined message replayed",
                metadata: [
                    "id": "\(id)", "records": "\(records)", "request": "\(reader.request.id)",
                ])
            return .json(QuarantineReply(id: id, outcome: "replayed", records: records))
        } catch { throw failure(error, id) }
    }

    func drop(_ reader: RequestReader) async throws -> ControlReply {
        let id = try quarantineID(reader)
        do throws(ReplayRefusal) {
            guard try await quarantineDesk.drop(id) else { throw .notFound }
            logger.notice(
                "quarantined message dropped",
                metadata: ["id": "\(id)", "request": "\(reader.request.id)"])
            return .json(QuarantineReply(id: id, outcome: "dropped"))
        } catch { throw failure(error, id) }
    }

    private func quarantineID(_ reader: RequestReader) throws(ProblemReply) -> Int64 {
        let text = reader.request.parameters["id"] ?? ""
        guard let id = Int64(text), id > 0 else { throw noSuchQuarantined(text) }
        return id
    }

    private func noSuchQuarantined(_ id: String) -> ProblemReply {
        ProblemCode.noSuchQuarantined.problem(
            "no message in quarantine has the ID \(id.prefix(60))")
    }

    private func failure(_ refusal: ReplayRefusal, _ id: Int64) -> any Error {
        switch refusal {
        case .notFound: noSuchQuarantined("\(id)")
        case .undecodable(let sentence):
            ProblemCode.stillUndecodable.problem(
                "message \(id) still cannot be decoded in full and stays in quarantine: \(sentence)"
            )
        case .paused(let sentence):
            ProblemCode.temporarilyUnavailable.problem(
                "message \(id) stays in quarantine, the log takes nothing: \(sentence)")
        case .log(let failure): ProblemCode.temporarilyUnavailable.problem("\(failure)")
        case .store(let failure): failure
        }
    }
}
