"""What an IAM role may do. A role that IAM does not know may do everything: most tests have no use for one."""
import functools
import json

from ministack.core.iam_evaluator import (
    EvalContext,
    _gather_role_policies,
    _service_principal_matches,
    evaluate,
    evaluate_resource_policy,
)
from ministack.services import iam

from localaws import s3access


def _role(arn: str) -> tuple[str, str, dict] | None:
    """The role's account, name and record."""
    account, name = _parts(arn)
    record = iam._roles.get_scoped(account, None, name) if name else None
    return None if record is None else (account, name, record)


@functools.lru_cache
def _parts(arn: str) -> tuple[str, str]:
    """Account and name of a role; no name where the ARN is no role's."""
    parts = arn.split(":", 5)
    is_role = len(parts) == 6 and parts[5].startswith("role/")
    return (parts[4], parts[5].rpartition("/")[2]) if is_role else ("", "")


def trusts(arn: str, service: str) -> bool:
    """Whether the role's trust policy lets the service (batchoperations.s3.amazonaws.com, say) take it on."""
    found = _role(arn)
    if found is None:
        return True
    document = found[2]["AssumeRolePolicyDocument"]
    document = json.loads(document) if isinstance(document, str) else document
    return any(one.get("Effect") == "Allow" and _service_principal_matches(one.get("Principal"), service)
               for one in document["Statement"])


def may(arn: str, action: str, bucket: str, key: str) -> bool:
    """Whether the role may do this to an object: its own policies, and the bucket's, where a Deny wins."""
    found = _role(arn)
    resource = f"arn:aws:s3:::{bucket}/{key}"
    policy = s3access.policy_of(bucket)
    if policy is None and found is None:
        return True
    context = EvalContext(principal_arn=arn, principal_type="AssumedRole", principal_account=_parts(arn)[0],
                          action=action, resource_arn=resource, region="")
    by_bucket = evaluate_resource_policy(policy, context).decision if policy else "ImplicitDeny"
    if by_bucket == "Deny" or found is None:
        return by_bucket != "Deny"
    return evaluate(context, _gather_role_policies(found[1], found[0])).decision == "Allow" or by_bucket == "Allow"
