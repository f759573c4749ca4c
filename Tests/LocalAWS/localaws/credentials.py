"""Secrets of the keys that MiniStack knows: IAM users, STS and instance sessions, the root key."""
import functools
import re

from ministack.core import iam_evaluator, sigv4
from ministack.core.iam_evaluator import (
    CredentialResolutionError,
    find_iam_access_key_account,
    resolve_credential,
)
from ministack.core.responses import _account_from_sts_session, set_request_account_id, set_request_region

from localaws.request import Refusal

DEFAULT_ACCOUNT = "000000000000"
_REASONS = {"ExpiredTokenException": "expiredToken", "InvalidToken": "invalidToken"}


def account_of(access_key: str) -> str:
    """The account a key belongs to; a key of twelve digits is itself an account's root."""
    if len(access_key) == 12 and access_key.isdigit():
        return access_key
    return (_account_from_sts_session(access_key) or find_iam_access_key_account(access_key) or DEFAULT_ACCOUNT)


def secret_of(access_key: str, session_token: str) -> str | Refusal:
    """The secret of a key, after its session token and expiry were checked."""
    found = resolve_credential(access_key, account_of(access_key), session_token)
    if isinstance(found, CredentialResolutionError):
        return Refusal(_REASONS.get(found.code, "unknownKey"), found.message)
    return found.secret_access_key


def enter_account(access_key: str, region: str) -> str:
    """Make MiniStack's stores answer for the key's account, for the rest of this request."""
    account = account_of(access_key)
    set_request_account_id(account)
    set_request_region(region)
    return account


def leave_the_clock_to_the_judge() -> None:
    """Let MiniStack take any time of signing: the judge has looked at it, by a clock that a fault may put wrong."""
    sigv4.request_time_failure = lambda signature: None


def match_newlines_in_policies() -> None:
    """Let `*` and `?` of a policy match any character: MiniStack's stop at a newline, and S3 keys hold them."""
    compile_pattern = iam_evaluator._fnmatch_compile

    @functools.lru_cache(4096)
    def compile_for_any_character(pattern: str, ignore_case: bool) -> re.Pattern:
        compiled = compile_pattern(pattern, ignore_case)
        return re.compile(compiled.pattern.removesuffix("$") + r"\Z", compiled.flags | re.DOTALL)

    iam_evaluator._fnmatch_compile = compile_for_any_character
