"""KMS keys as replication meets them: only what a test said of a key is known, all others are in order."""

STATES = ("Enabled", "Disabled", "PendingDeletion", "missing", "denied")
_states: dict[str, str] = {}


def state_of(arn: str) -> str:
    return _states.get(arn, "Enabled")


def change(wanted: object) -> dict[str, str]:
    """Replace what is known of keys: ARN to state."""
    if not isinstance(wanted, dict) or not all(state in STATES for state in wanted.values()):
        raise ValueError(f"keys are an object of ARN to one of {', '.join(STATES)}")
    _states.clear()
    _states.update(wanted)
    return _states
