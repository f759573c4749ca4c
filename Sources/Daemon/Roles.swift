internal import ControlServer
internal import Glibc

/// Who may change something: root, the daemon's own user, and members of `control.operatorGroup`. Whoever can open
/// the socket may read.
struct Roles: Sendable {
    private let ownUser = geteuid()
    private let operatorGroup: UInt32?

    /// A group that does not exist is a configuration error: it would lock every operator out in silence.
    init(operatorGroup name: String?) throws(ConfigurationError) {
        guard let name else {
            operatorGroup = nil
            return
        }
        guard let group = unsafe getgrnam(name) else {
            throw ConfigurationError(
                file: "control.operatorGroup",
                sentence: "there is no group \(name) on this host: make it (groupadd \(name)), or "
                    + "leave operatorGroup out")
        }
        operatorGroup = unsafe group.pointee.gr_gid
    }

    func mayChange(_ peer: ControlPeer) -> Bool {
        if peer.uid == 0 || peer.uid == ownUser { return true }
        guard let operatorGroup else { return false }
        return peer.gid == operatorGroup || peer.groups.contains(operatorGroup)
    }
}
