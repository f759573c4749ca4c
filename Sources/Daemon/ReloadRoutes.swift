internal import ControlAPI
internal import ControlServer

extension ControlRoutes {
    func reload() async throws -> ControlReply {
        do throws(ConfigurationError) {
            let changes = try await reloader.reload()
            return .json(
                ReloadReply(
                    file: reloader.file,
                    changes: changes.map {
                        .init(
                            key: $0.key, from: $0.from, to: $0.to,
                            applies: $0.appliesNow ? .now : .restart)
                    }))
        } catch {
            throw ProblemCode.configurationRefused.problem(
                "\(error); nothing was changed, the daemon goes on with the configuration it has")
        }
    }
}
