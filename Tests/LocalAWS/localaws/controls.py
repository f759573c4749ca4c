"""The routes by which tests govern replication and batch jobs (README.md, "Switches")."""
from localaws import credentials, kmskeys, s3access
from localaws.batch import JobRunner

_LONGEST_SETTLE = 20.0
_STATUSES = (None, "PENDING", "COMPLETED", "COMPLETE", "FAILED", "REPLICA")  # both spellings are in the model


class Controls:
    """Answers `/_localaws/batch*`, `/_localaws/objects`, `/_localaws/buckets` and `/_localaws/kms`."""

    def __init__(self, runner: JobRunner, region: str):
        self._runner = runner
        self._region = region

    def routes(self) -> dict:
        return {
            ("GET", "/_localaws/batch"): self._switches, ("POST", "/_localaws/batch"): self._switches,
            ("POST", "/_localaws/batch/settle"): self._settle,
            ("GET", "/_localaws/batch/jobs"): self._jobs,
            ("POST", "/_localaws/batch/orders"): self._order,
            ("POST", "/_localaws/batch/foreign"): self._add_foreign,
            ("GET", "/_localaws/batch/outcomes"): self._outcomes,
            ("POST", "/_localaws/batch/outcomes"): self._outcomes,
            ("POST", "/_localaws/objects"): self._change_object,
            ("POST", "/_localaws/buckets"): self._move_bucket,
            ("POST", "/_localaws/kms"): self._change_keys,
        }

    async def _switches(self, values: dict | None) -> dict:
        self._runner.change_switches(values or {})
        return vars(self._runner.switches)

    async def _settle(self, _) -> dict:
        return {"settled": await self._runner.settle(_LONGEST_SETTLE)}

    async def _jobs(self, _) -> dict:
        return self._runner.shown()

    async def _order(self, wanted: dict) -> dict:
        more = _strings(wanted)
        self._runner.order(more.pop("jobId", ""), **more)
        return {}

    async def _add_foreign(self, wanted: dict | None) -> list[str]:
        credentials.enter_account(credentials.DEFAULT_ACCOUNT, self._region)
        return self._runner.add_foreign(credentials.DEFAULT_ACCOUNT, self._region, **(wanted or {}))

    async def _outcomes(self, wanted: list | None) -> list[dict]:
        if wanted is not None:
            self._runner.ordered.order(wanted)
        return self._runner.ordered.shown()

    async def _change_object(self, wanted: dict) -> dict:
        names = {"storageClass": "storage_class", "replicationStatus": "replication_status"}
        if not isinstance(wanted, dict) or wanted.get("replicationStatus") not in _STATUSES:
            raise ValueError(f"replicationStatus is one of {_STATUSES[1:]}, or null for none")
        changes = {names[name]: value for name, value in wanted.items() if name in names}
        where = {name: value for name, value in wanted.items() if name not in names}
        credentials.enter_account(credentials.DEFAULT_ACCOUNT, self._region)
        if set(where) != {"bucket", "key", "versionId"}:
            raise ValueError(f"expected bucket, key, versionId and some of {', '.join(names)}")
        if not s3access.change_version(where["bucket"], where["key"], where["versionId"], changes):
            raise ValueError(f"there is no version {where['versionId']} of {where['bucket']}/{where['key']}")
        return {}

    async def _move_bucket(self, wanted: dict) -> dict:
        if not isinstance(wanted, dict) or set(wanted) != {"bucket", "region"}:
            raise ValueError("expected bucket and region")
        if not s3access.move_bucket(wanted["bucket"], wanted["region"]):
            raise ValueError(f"there is no bucket {wanted['bucket']}")
        return {}

    async def _change_keys(self, wanted: dict) -> dict:
        return kmskeys.change(wanted)


def _strings(wanted: object) -> dict[str, str]:
    if not isinstance(wanted, dict) or not all(isinstance(value, str) for value in wanted.values()):
        raise ValueError("an order is an object of strings: jobId, order, and for 'fail' code and reason")
    return dict(wanted)
