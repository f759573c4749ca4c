"""Health: whether the daemon is ready and live, and nothing of the troubles around it."""
import signal

from harness import until
from test_intake_control import foreign


def test_health_says_that_the_daemon_is_stopping(stage):
    with stage.daemon() as daemon:
        assert (daemon.get("/v1/health").status, daemon.get("/v1/health").json["status"]) == (200, "ok")
        stage.cloud.client("sqs").send_message(QueueUrl=stage.queue.url, MessageBody=foreign("k"))
        until(lambda: "are held" in str(daemon.status()["problems"]), what="a message that is held")
        assert daemon.get("/v1/health").status == 200
        # The stop gives it back, which takes its time here.
        stage.cloud.faults({"operation": "sqs.ChangeMessageVisibilityBatch", "kind": "late", "delaySeconds": 3, "times": 0,
                            "every": 1})
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: daemon.get("/v1/health").status == 503, what="a daemon that is no longer ready")
        assert daemon.get("/v1/health").json == {"status": "stopping", "failing": []}
        assert daemon.status()["state"] == "stopping"
        assert daemon.process.wait(15) == 0
        daemon.process = None
