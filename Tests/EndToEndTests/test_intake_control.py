"""Pausing, queues that are not ours, several queues in several Regions, dead letters, pollers that grow."""
import json

import yaml

from harness import until
from localaws_client import failure_body, now


def foreign(key: str) -> str:
    return json.dumps({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                                    "s3": {"bucket": {"name": "b"}, "object": {"key": key}}}]})


def visible(stage, url: str) -> int:
    names = ["ApproximateNumberOfMessages"]
    found = stage.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def configure(daemon, change) -> None:
    settings = yaml.safe_load(daemon.config.read_text())
    change(settings)
    daemon.config.write_text(yaml.safe_dump(settings, sort_keys=False))


def test_a_pause_holds_over_a_restart_and_ends_by_resume(stage):
    rule = f"{stage.name}/rule"
    with stage.daemon() as daemon:
        paused = daemon.cli("pause", "--for", "2h", "-o", "json")
        assert paused.returncode == 0 and json.loads(paused.stdout)["state"] == "paused"
        until(lambda: daemon.status()["queues"][0]["state"] == "paused", what="a queue that is paused")
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b"])
        daemon.restart()
        status = until(lambda: (s := daemon.status())["queues"][0]["state"] == "paused" and s, what="still paused")
        assert status["state"] == "paused" and status["pausedUntil"] == json.loads(paused.stdout)["pausedUntil"]
        assert daemon.get("/v1/health").status == 200 and daemon.counts() == {}
        # The long poll that the pause ended may have taken them along: they are visible again after their 2 seconds.
        until(lambda: visible(stage, stage.queue.url) == 2, what="both messages on the queue")
        assert status["pausedUntil"] in daemon.cli("status").stdout
        resumed = daemon.cli("resume")
        assert resumed.returncode == 0 and "goes on" in resumed.stdout
        until(lambda: daemon.counts().get(rule) == {"open": 2}, what="both failures")
        assert "pausedUntil" not in daemon.status()


def test_a_pause_ends_by_itself_and_its_length_is_bounded(stage):
    with stage.daemon() as daemon:
        for seconds in (0, -1, 43_201, 1 << 40):
            refused = daemon.post("/v1/intake/pause", {"durationSeconds": seconds})
            assert refused.status == 400 and "43200" in refused.json["detail"], refused
        misspelt = daemon.post("/v1/intake/pause", {"durationSecond": 60})
        assert misspelt.status == 400 and "durationSecond" in misspelt.json["detail"], misspelt
        assert "pausedUntil" not in daemon.status()
        assert daemon.cli("pause", "--for", "13h").returncode == 2
        assert daemon.post("/v1/intake/pause", {}).json["state"] == "paused"
        assert daemon.post("/v1/intake/pause", {"durationSeconds": 1}).status == 200
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a"])
        until(lambda: daemon.counts().get(f"{stage.name}/rule") == {"open": 1}, what="the end of the pause")


def test_twenty_messages_of_others_end_the_receiving_and_go_back(stage):
    sqs = stage.cloud.client("sqs")
    for number in range(20):
        sqs.send_message(QueueUrl=stage.queue.url, MessageBody=foreign(f"k{number}") if number % 2 else "not JSON")
    with stage.daemon() as daemon:
        queue = until(lambda: (q := daemon.status()["queues"][0])["state"] == "stopped" and q, what="a stopped queue")
        assert queue["pollers"] == 1
        problem = daemon.status()["problems"][0]
        assert problem["code"] == "queueNotOurs" and stage.queue.url in problem["message"]
        assert "ObjectCreated:Put" in problem["message"] and "otherEvents" in problem["message"]
        until(lambda: visible(stage, stage.queue.url) == 20, what="all twenty visible again")
        assert daemon.all("/v1/quarantine") == [] and daemon.get("/v1/health").status == 200
        configure(daemon, lambda settings: settings["queues"][0].update(otherEvents="delete"))
        changes = daemon.post("/v1/reload", {}).json["changes"]
        assert changes == [{"key": "queues[0].otherEvents", "from": "stop", "to": "delete", "applies": "now"}]
        until(lambda: stage.queue_is_empty(), 30, "a queue that is emptied by otherEvents: delete")
        until(lambda: len(daemon.all("/v1/quarantine")) == 10, what="the undecodable ten in quarantine")
        assert daemon.status()["problems"] == []
        daemon.restart()
        sqs.send_message(QueueUrl=stage.queue.url, MessageBody=foreign("one more"))
        until(lambda: visible(stage, stage.queue.url) == 0 and stage.queue_is_empty(), 30, "one more of others settled")
    print("20 messages of others were released and later, by otherEvents: delete, settled")


def test_what_was_held_is_settled_by_the_first_of_ours_and_the_queue_stays_known(stage):
    sqs = stage.cloud.client("sqs")
    sqs.send_message(QueueUrl=stage.queue.url, MessageBody=foreign("one"))
    with stage.daemon() as daemon:
        said = until(lambda: daemon.status()["problems"], what="a problem")
        assert said[0]["code"] == "queueNotOurs" and "held" in said[0]["message"]
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a"])
        until(lambda: stage.queue_is_empty() and daemon.status()["problems"] == [], what="an empty queue")
        until(lambda: daemon.status()["store"]["lagRecords"] == 0, what="all in the store")
        daemon.restart()
        sqs.send_message(QueueUrl=stage.queue.url, MessageBody=foreign("two"))
        until(lambda: stage.queue_is_empty() and daemon.status()["queues"][0].get("lastMessageAt"), what="known for good")


def test_two_queues_in_two_regions_and_a_dead_letter_queue(stage):
    cloud, west = stage.cloud, stage.cloud.client("sqs", region="us-west-2")
    other = west.create_queue(QueueName=f"{stage.name}-west")["QueueUrl"]
    sqs = cloud.client("sqs")
    dead = sqs.create_queue(QueueName=f"{stage.name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=stage.queue.url, Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "50"})})
    sqs.send_message(QueueUrl=dead, MessageBody="lost")
    west.send_message(QueueUrl=other, MessageBody=failure_body(
        stage.name, "west", "w", "v", now(), "destination", "DstBucketNotFound", 1))
    cloud.send_failures(stage.queue, stage.name, "rule", [f"k{number}" for number in range(200)])
    daemon = stage.daemon()
    configure(daemon, lambda settings: settings["queues"].append({"url": other, "region": "us-west-2", "maxPollers": 1}))
    with daemon:
        most = 0

        def done() -> bool:
            nonlocal most
            most = max(most, daemon.status()["queues"][0]["pollers"])
            return daemon.counts() == {f"{stage.name}/rule": {"open": 200}, f"{stage.name}/west": {"open": 1}}

        until(done, 30, "both rules' failures")
        east, west_queue = daemon.status()["queues"]
        assert most > 1 and most <= 8 and west_queue["pollers"] == 1 and east["state"] == west_queue["state"] == "receiving"
        assert east["deadLetter"] == {"queue": dead, "maxReceiveCount": 50, "messages": 1}, east
    print(f"two queues in two Regions, up to {most} pollers on the first")
