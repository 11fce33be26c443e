"""Whether an invocation keeps the contract, before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator

from airegistry.dialects.exchange import Input
from airegistry.errors import FieldViolation, InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from airegistry.resources.validation import validate_query
from airegistry.resources.validation.rules import Violations, labels, number, size, whole
from airegistry.routing import policy

_INPUTS = ("chat", "embeddings", "rerank", "image", "raw", "agent_task")
_IMPLEMENTED = ("chat", "embeddings")
_INT32_MAX = 2**31 - 1
_MAX_EMBEDDING_INPUTS = 2_048


def check(invocation: Invocation, *, stream: bool) -> Input:
    """Return the input of an invocation.

    Raises InvalidArgumentError with the path of each field that is wrong, UnsupportedFieldError for what is not
    implemented.
    """
    name = _input_name(invocation)
    if name is None:
        raise InvalidArgumentError.of("invocation.input", f"exactly one of {', '.join(_INPUTS)} must be set")
    if name not in _IMPLEMENTED:
        raise UnsupportedFieldError.of(f"invocation.{name}", "is not implemented by this version")
    if stream and name != "chat":
        raise UnsupportedFieldError.of(f"invocation.{name}", "has no streamed form; use Invoke")
    check_routing(invocation)
    request: Input = getattr(invocation, name)
    violations = list(_input_violations(request, f"invocation.{name}"))
    if violations:
        raise InvalidArgumentError(violations=violations)
    return request


def check_routing(invocation: Invocation) -> None:
    """Check everything but the input."""
    violations = list(_routing_violations(invocation))
    if violations:
        raise InvalidArgumentError(violations=violations)
    if invocation.policy is not None:
        policy.check(invocation.policy, path="invocation.policy")


def optional_input(invocation: Invocation) -> Input | None:
    """Return the input where there is one that can be answered; routing can be explained without it."""
    return None if _input_name(invocation) is None else check(invocation, stream=False)


def _input_name(invocation: Invocation) -> str | None:
    present = [name for name in _INPUTS if getattr(invocation, name) is not None]
    if len(present) > 1:
        raise InvalidArgumentError.of("invocation.input", f"only one of {', '.join(present)} may be set")
    return present[0] if present else None


def _routing_violations(invocation: Invocation) -> Violations:
    if bool(invocation.model) == (invocation.query is not None):
        yield FieldViolation("invocation.model", "exactly one of model and query must be set")
    if invocation.query is not None:
        yield from validate_query(invocation.query, path="invocation.query")
    yield from labels(invocation.labels, "invocation.labels", most=16)


def _input_violations(request: Input, path: str) -> Iterator[FieldViolation]:
    if isinstance(request, ChatRequest):
        yield from _chat_violations(request, path)
    elif isinstance(request, EmbeddingsRequest):
        yield from _embeddings_violations(request, path)


def _chat_violations(chat: ChatRequest, path: str) -> Violations:
    yield from size(chat.messages, f"{path}.messages", least=1, most=_INT32_MAX)
    for i, message in enumerate(chat.messages):
        if message.role is None:
            yield FieldViolation(f"{path}.messages[{i}].role", "is required")
    yield from whole(chat.max_output_tokens, f"{path}.max_output_tokens", low=1)
    yield from number(chat.temperature, f"{path}.temperature", low=0, high=2)
    yield from number(chat.top_p, f"{path}.top_p", low=0, high=1)
    yield from whole(chat.top_k, f"{path}.top_k", low=1)
    yield from size(chat.stop_sequences, f"{path}.stop_sequences", most=16)
    yield from size(chat.tools, f"{path}.tools", most=128)
    yield from whole(chat.choice_count, f"{path}.choice_count", low=1, high=16)
    yield from number(chat.presence_penalty, f"{path}.presence_penalty", low=-2, high=2)
    yield from number(chat.frequency_penalty, f"{path}.frequency_penalty", low=-2, high=2)
    yield from whole(chat.top_logprobs, f"{path}.top_logprobs")


def _embeddings_violations(embeddings: EmbeddingsRequest, path: str) -> Violations:
    yield from size(embeddings.inputs, f"{path}.inputs", least=1, most=_MAX_EMBEDDING_INPUTS)
    for i, entry in enumerate(embeddings.inputs):
        if (entry.text is None) == (entry.token_ids is None):
            yield FieldViolation(f"{path}.inputs[{i}]", "exactly one of text and token_ids must be set")
    yield from whole(embeddings.dimensions, f"{path}.dimensions", low=1)
