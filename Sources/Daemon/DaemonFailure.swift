internal import ControlServer
internal import FailureStore
internal import Intake
internal import SystemIO
internal import Systemd
internal import WriteAheadLog

/// Why the daemon does not run, or ended.
enum DaemonFailure: Error, CustomStringConvertible {
    case configuration(ConfigurationError)
    case log(LogFailure)
    case store(StoreFailure)
    case control(ControlServerFailure)
    case metrics(ControlServerFailure)
    case sockets(InheritedSocketFailure)

    /// Sorts what a part ended with; nil for what is none of ours.
    init?(_ error: any Error) {
        switch error {
        case let failure as DaemonFailure: self = failure
        case let failure as ConfigurationError: self = .configuration(failure)
        case let failure as LogFailure: self = .log(failure)
        case let failure as StoreFailure: self = .store(failure)
        case FlusherFailure.log(let failure): self = .log(failure)
        case FlusherFailure.store(let failure): self = .store(failure)
        case let failure as ControlServerFailure: self = .control(failure)
        case let failure as InheritedSocketFailure: self = .sockets(failure)
        default: return nil
        }
    }

    /// 75: another daemon holds the state directory. 78: configuration, damaged log or store, a pair that does not
    /// belong together. 1: a part failed. Source: sysexits(3), the design's section 11.
    var exitStatus: Int32 {
        switch self {
        case .configuration: 78
        case .log(let failure): failure.exitStatus ?? 1
        case .store(.damaged), .store(.refused): 78
        case .store, .control, .metrics, .sockets: 1
        }
    }

    /// Another start succeeds when there is room on the disk.
    var isOutOfSpace: Bool {
        switch self {
        case .log(.ioFailed(let failure)): failure.isOutOfSpace
        case .store(.full): true
        default: false
        }
    }

    /// The errno behind it, for systemd's `ERRNO=`.
    var errno: Int32? {
        if case .log(.ioFailed(let failure)) = self { failure.errno } else { nil }
    }

    var description: String {
        switch self {
        case .configuration(let error): "\(error)"
        case .log(let failure): "\(failure)"
        case .store(let failure): "\(failure)"
        case .control(let failure): "\(failure)"
        case .metrics(let failure): "metrics.listen: \(failure)"
        case .sockets(let failure): "\(failure)"
        }
    }
}
