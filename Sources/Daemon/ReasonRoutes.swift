internal import ControlAPI
internal import ControlServer
internal import Domain

extension ControlRoutes {
    /// With `code` the one that is asked for, which need not be documented.
    func reasons(_ reader: RequestReader) throws -> ControlReply {
        let limit = try reader.limit()
        let after = try reader.textCursor()
        if let code = reader.query("code") {
            let items = after == nil ? [ReasonItem(advice(for: code))] : []
            return .json(Page(items: items))
        }
        let rest = documentedReasons.drop { advice in after.map { advice.code <= $0 } ?? false }
        let items = rest.prefix(limit)
        let next = rest.count > limit ? items.last.map { cursor($0.code) } : nil
        return .json(Page(items: items.map(ReasonItem.init), nextCursor: next))
    }
}
