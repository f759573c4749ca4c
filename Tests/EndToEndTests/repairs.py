"""Steps that the tests of remediation share."""
from harness import until

SECONDS = 30


def run_of(daemon, rule: str) -> dict:
    """The newest remediation of a rule."""
    return next(run for run in daemon.all("/v1/remediations") if f"{run['sourceBucket']}/{run['ruleId']}" == rule)


def finished(daemon, rule: str) -> dict:
    return until(lambda: (run := run_of(daemon, rule))["state"] in ("finished", "failed") and run, SECONDS,
                 f"the remediation of {rule} at its end")


def start(daemon, rule: str) -> dict:
    answer = daemon.post("/v1/remediations", {"rule": rule})
    assert answer.status == 201, answer
    return answer.json


def one_rule(stage, *keys: str) -> tuple[str, str, dict[str, str]]:
    """A bucket whose one rule is denied, with failures for these keys: rule, destination, version IDs."""
    source, destination = f"{stage.name}-source", f"{stage.name}-destination"
    stage.cloud.replicated_pair(source, [("rule", "", destination)], stage.queue)
    stage.cloud.deny_replication(destination)
    return f"{source}/rule", destination, stage.put(source, *keys)
