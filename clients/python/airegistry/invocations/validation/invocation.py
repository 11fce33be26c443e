"""The rules for an invocation as a whole."""

from __future__ import annotations

from dataclasses import fields
from itertools import compress
from operator import attrgetter
from typing import Any, Final

from airegistry.errors import FieldViolation
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import AgentTaskRequest, ImageRequest, RawRequest, RerankRequest
from airegistry.invocations.validation.chat import check_chat
from airegistry.invocations.validation.content import check_block
from airegistry.invocations.validation.kinds import check_embeddings, check_image, check_raw, check_rerank
from airegistry.resources.validation import validate_policy, validate_query
from airegistry.resources.validation.rules import Violations, each, labels

_NOT_INPUT: Final = frozenset(("model", "query", "policy", "sticky_key", "labels"))
_INPUTS: Final = tuple(field.name for field in fields(Invocation) if field.name not in _NOT_INPUT)
_requests: Final = attrgetter(*_INPUTS)


def validate(invocation: Invocation, *, path: str = "invocation") -> list[FieldViolation]:
    """Return what is wrong with an invocation, its input included; empty when nothing is."""
    return list(_check(invocation, path))


def validate_input(request: Any, *, path: str) -> list[FieldViolation]:
    """Return what is wrong with an input alone, of any kind. *path* is where it stands (`invocation.chat`)."""
    return list(_check_input(request, path))


def _check(invocation: Invocation, path: str) -> Violations:
    if bool(invocation.model) == (invocation.query is not None):
        yield FieldViolation(f"{path}.model", "exactly one of model and query must be set")
    if invocation.query is not None:
        yield from validate_query(invocation.query, path=f"{path}.query")
    given = list(compress(_INPUTS, _requests(invocation)))
    if len(given) != 1:
        yield FieldViolation(f"{path}.input", f"exactly one of {', '.join(given or _INPUTS)} must be set")
    for name in given:
        yield from _check_input(getattr(invocation, name), f"{path}.{name}")
    if invocation.policy is not None:
        yield from validate_policy(invocation.policy, path=f"{path}.policy")
    if invocation.labels:
        yield from labels(invocation.labels, f"{path}.labels", most=16)


def _check_input(request: Any, path: str) -> Violations:
    match request:
        case ChatRequest():
            yield from check_chat(request, path)
        case EmbeddingsRequest():
            yield from check_embeddings(request, path)
        case RerankRequest():
            yield from check_rerank(request, path)
        case ImageRequest():
            yield from check_image(request, path)
        case RawRequest():
            yield from check_raw(request, path)
        case AgentTaskRequest():
            yield from each(request.content, f"{path}.content", check_block, least=1)
        case _:
            raise TypeError(f"{type(request).__name__} is no input of an invocation")
