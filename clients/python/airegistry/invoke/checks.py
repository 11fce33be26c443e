"""Whether an invocation keeps the contract, and asks for what is implemented, before anybody is asked."""

from __future__ import annotations

from operator import attrgetter

from airegistry.dialects.exchange import Input
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.validation import validate
from airegistry.routing import policy

_KINDS = ("chat", "embeddings", "rerank", "image", "raw", "agent_task")
_inputs = attrgetter(*_KINDS)
_STREAMED = ("chat", "raw", "agent_task")


def check(invocation: Invocation, *, stream: bool = False) -> Input:
    """Return the input of an invocation.

    Raises InvalidArgumentError with the path of each field that is wrong, UnsupportedFieldError for what is not
    implemented.
    """
    request = check_for_explanation(invocation)
    if request is None:
        raise InvalidArgumentError(violations=validate(invocation))
    if stream and all(getattr(invocation, name) is None for name in _STREAMED):
        kind = next(name for name in _KINDS if getattr(invocation, name) is not None)
        raise UnsupportedFieldError.of(f"invocation.{kind}", "has no streamed form; use Invoke")
    return request


def check_for_explanation(invocation: Invocation) -> Input | None:
    """Return the input of an invocation, None where it has none: routing can be explained without one."""
    request: Input | None = next(filter(None, _inputs(invocation)), None)
    violations = validate(invocation)
    if request is None:
        violations = [violation for violation in violations if violation.field != "invocation.input"]
    if violations:
        raise InvalidArgumentError(violations=violations)
    if invocation.policy is not None:
        policy.check(invocation.policy, path="invocation.policy")
    return request
