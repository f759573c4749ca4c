internal import ControlServer
internal import Glibc
internal import Synchronization

/// Who may change something: root, the daemon's own user, and members of `control.operatorGroup`. Whoever can open
/// the socket may read.
final class Roles: Sendable {
    private let ownUser = geteuid()
    private let operatorGroup: Mutex<UInt32?>

    init(operatorGroup: UInt32?) {
        self.operatorGroup = Mutex(operatorGroup)
    }

    /// For the requests from now on.
    func set(operatorGroup: UInt32?) { self.operatorGroup.withLock { $0 = operatorGroup } }

    /// The number of a group; nil without a name. One that does not exist is a configuration error: it would lock every
    /// operator out in silence.
    static func group(named name: String?) throws(ConfigurationError) -> UInt32? {
        guard let name else { return nil }
        guard let group = unsafe getgrnam(name) else {
            throw ConfigurationError(
                file: "control.operatorGroup",
                sentence: "there is no group \(name) on this host: make it (groupadd \(name)), or "
                    + "leave operatorGroup out")
        }
        return unsafe group.pointee.gr_gid
    }

    func mayChange(_ peer: ControlPeer) -> Bool {
        if peer.uid == 0 || peer.uid == ownUser { return true }
        guard let operatorGroup = operatorGroup.withLock({ $0 }) else { return false }
        return peer.gid == operatorGroup || peer.groups.contains(operatorGroup)
    }
}
