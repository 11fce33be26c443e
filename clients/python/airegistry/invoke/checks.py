"""Whether an invocation keeps the contract, and asks for what is implemented, before anybody is asked."""

from __future__ import annotations

from airegistry.dialects.exchange import Input
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.validation import validate
from airegistry.routing import policy

_UNIMPLEMENTED = ("rerank", "image", "raw", "agent_task", "labels")


def check(invocation: Invocation, *, stream: bool = False) -> Input:
    """Return the input of an invocation.

    Raises InvalidArgumentError with the path of each field that is wrong, UnsupportedFieldError for what is not
    implemented.
    """
    request = check_for_explanation(invocation)
    if request is None:
        raise InvalidArgumentError(violations=validate(invocation))
    if stream and invocation.chat is None:
        raise UnsupportedFieldError.of("invocation.embeddings", "has no streamed form; use Invoke")
    return request


def check_for_explanation(invocation: Invocation) -> Input | None:
    """Return the input of an invocation, None where it has none: routing can be explained without one."""
    for name in _UNIMPLEMENTED:
        if getattr(invocation, name):
            raise UnsupportedFieldError.of(f"invocation.{name}", "is not implemented by this version")
    request = invocation.chat if invocation.chat is not None else invocation.embeddings
    violations = [v for v in validate(invocation) if request is not None or v.field != "invocation.input"]
    if violations:
        raise InvalidArgumentError(violations=violations)
    if invocation.policy is not None:
        policy.check(invocation.policy, path="invocation.policy")
    return request
