"""buckets: their rules are shown at 0, before anything has failed, in rules and in metrics."""
from harness import until
from test_intake_control import configure
from test_metrics import samples


def test_the_rules_of_configured_buckets_are_shown_at_0(stage):
    first, second = f"{stage.name}-a", f"{stage.name}-b"
    stage.cloud.replicated_pair(first, [("one", "", f"{stage.name}-d"), ("two/2", "p/", f"{stage.name}-d")])
    daemon = stage.daemon()
    configure(daemon, lambda settings: settings.update(buckets=[first, second]))
    with daemon:
        stage.cloud.send_failures(stage.queue, first, "one", ["a"])
        rules = until(lambda: len(found := daemon.all("/v1/rules")) == 2 and found[0]["counts"]["open"] and found,
                      what="a rule that failed and one that did not")
        assert [(rule["ruleId"], rule["counts"]["open"]) for rule in rules] == [("one", 1), ("two/2", 0)]
        quiet = rules[1]
        assert quiet["region"] == "eu-west-1" and quiet["reasons"] == [] and set(quiet["counts"].values()) == {0}
        assert "oldestOpenAt" not in quiet and quiet["openBytes"] == 0
        assert daemon.get(f"/v1/rules/{first}/two%2F2").json == quiet
        assert daemon.get(f"/v1/rules/{first}/three").json["code"] == "noSuchRule"
        one = daemon.get("/v1/rules?limit=1").json
        rest = daemon.get(f"/v1/rules?limit=1&cursor={one['nextCursor']}").json
        assert one["items"] + rest["items"] == rules and "nextCursor" not in rest
        found = samples(daemon.get("/metrics").body.decode())
        assert found[f's3remedy_failures{{bucket="{first}",rule="two/2",state="open"}}'] == 0
        shown = daemon.cli("rules", f"{first}/two/2")
        assert shown.returncode == 0 and "Open" in shown.stdout, shown.stderr
        assert daemon.cli("remediate", f"{first}/two/2", "--dry-run").returncode == 7
        # One that S3 does not know is said once, and asked for again when the buckets change.
        until(lambda: f"are not known bucket={second}" in daemon.stderr.read_text(), what="a bucket that is not there")
        stage.cloud.replicated_pair(second, [("late", "", f"{stage.name}-e")])
        configure(daemon, lambda settings: settings.update(buckets=[second]))
        changes = daemon.post("/v1/reload", {}).json["changes"]
        assert [(one["key"], one["applies"]) for one in changes] == [("buckets", "now")]
        names = [(first, "one"), (second, "late")]
        until(lambda: [(rule["sourceBucket"], rule["ruleId"]) for rule in daemon.all("/v1/rules")] == names,
              what="the other bucket's rule instead")
        assert daemon.status()["problems"] == []
    print("2 quiet rules shown at 0, 1 failing, 1 gone with its bucket")
