"""The reasons, from the daemon to the command line: all that are documented, and any other."""
import json


def test_every_documented_reason_and_any_other(stage):
    with stage.daemon() as daemon:
        first = daemon.get("/v1/reasons?limit=20").json
        second = daemon.get(f"/v1/reasons?limit=20&cursor={first['nextCursor']}").json
        items = first["items"] + second["items"]
        assert len(items) == 34 and "nextCursor" not in second
        assert [item["code"] for item in items] == sorted({item["code"] for item in items})
        assert all(item[name] for item in items for name in ("reasonClass", "meaning", "owner", "fix"))
        assert json.loads(daemon.cli("reasons", "-o", "json").stdout) == items

        other = daemon.get("/v1/reasons?code=New%20One").json["items"]
        assert [(item["code"], item["reasonClass"]) for item in other] == [("New One", "unknown")]
        assert json.loads(daemon.cli("reasons", "New One", "-o", "json").stdout) == other[0]
        for wrong in ("limit=0", "name=x", "cursor=%25"):
            assert daemon.get(f"/v1/reasons?{wrong}").status == 400
    print(f"reasons {len(items)}")
