"""The request as one target gets it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from airegistry import dialects
from airegistry._making import quickly_made
from airegistry.dialects.base import Dialect, Extends
from airegistry.dialects.exchange import Encoded, GrpcEncoded, HttpCall, Input
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Reasoning
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import ImageRequest
from airegistry.invoke.origin import Origin
from airegistry.invoke.standing import Spoken
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model, ModelLimits
from airegistry.resources.route import RequestOverrides
from airegistry.routing.target import Target

_KINDS: Final[Mapping[type, str]] = {ChatRequest: "chat", EmbeddingsRequest: "embeddings", ImageRequest: "image"}
"""Inputs that may hold fields of a format of their caller's."""

_MOST_COMPLETED: Final = 4096
_completed: Final[dict[tuple[int, int], tuple[Endpoint, Model, Endpoint]]] = {}
"""What was made of an endpoint and its model, by their identities, which nobody else can have while they are held here."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Ask:
    """A request in the words of its target."""

    target: Target
    dialect: Dialect
    request: Input
    encoded: Encoded | GrpcEncoded
    relay: bool = False
    """The caller speaks the target's format: it gets the answer as the provider wrote it."""
    continues: bool = False
    """The target is to go on with an answer that the caller has the beginning of."""


def ask(target: Target, request: Input, spoken: Spoken, *, stream: bool, origin: Origin | None = None) -> Ask:
    """Write a request for a target, changed as its route says; *origin* is what the caller wrote, where that is known.

    Raises InvalidArgumentError, or UnsupportedFieldError among them, when this target cannot be asked that.
    """
    communication = target.endpoint.communication
    dialect = dialects.for_endpoint(spoken[communication.dialect if communication is not None else ""], target.endpoint)
    changed = overridden(request, target.overrides)
    same = origin is not None and origin.dialect == dialect.name
    wire = origin.body if origin is not None and same else None
    foreign: tuple[FieldWarning, ...] = ()
    if origin is not None and not same:
        if origin.untranslatable:
            raise UnsupportedFieldError(violations=origin.untranslatable)
        ours = dialect.extensions if isinstance(dialect, Extends) else frozenset()
        changed, foreign = without_foreign_fields(changed, origin.dialect, ours)
    if origin is not None and wire is None:
        foreign = (*origin.lost, *foreign)
    encoded = dialect.encode(changed, completed(target), stream=stream, wire=wire)
    if foreign:
        encoded = replace(encoded, warnings=(*foreign, *encoded.warnings))
    if origin is not None and same and origin.headers and isinstance(encoded, Encoded):
        encoded = replace(encoded, call=_with_headers(encoded.call, origin.headers))
    return Ask(target, dialect, changed, encoded, relay=origin is not None and same and origin.relay)


def _with_headers(call: HttpCall, theirs: Mapping[str, str]) -> HttpCall:
    """Return a call with a caller's headers, which are lists, after what the endpoint declares of the same name."""
    headers = dict(call.headers)
    for name, value in theirs.items():
        words = [word.strip() for word in f"{headers.get(name, '')},{value}".split(",")]
        headers[name] = ",".join(dict.fromkeys(filter(None, words)))
    return replace(call, headers=headers)


def completed(target: Target) -> Endpoint:
    """Return an endpoint with what it leaves to its model: limits that it does not state, and what the model can do."""
    endpoint = target.endpoint
    model = target.model.model if target.model is not None else None
    if model is None or (model.limits is None and not model.capabilities):
        return endpoint
    made = _completed.get((id(endpoint), id(model)))
    if made is None:
        if len(_completed) >= _MOST_COMPLETED:
            _completed.clear()
        limits = _limits(endpoint.limits, model.limits)
        whole = replace(endpoint, limits=limits, capabilities={**model.capabilities, **endpoint.capabilities})
        made = _completed[id(endpoint), id(model)] = endpoint, model, whole
    return made[2]


def _limits(own: ModelLimits | None, of_model: ModelLimits | None) -> ModelLimits | None:
    if own is None or of_model is None:
        return own or of_model
    stated = {field.name: value for field in fields(own) if (value := getattr(own, field.name)) is not None}
    return replace(of_model, **stated)


def without_foreign_fields(
    request: Input, format_: str, ours: Collection[str] = ()
) -> tuple[Input, tuple[FieldWarning, ...]]:
    """Return a request without the fields of its caller's own format, but for those that are *ours*, and what was left out.

    They mean nothing in another format; some servers refuse a request for one field that they do not know.
    """
    if not isinstance(request, ChatRequest | EmbeddingsRequest | ImageRequest) or not request.extra:
        return request, ()
    kind = _KINDS[type(request)]
    kept = {name: value for name, value in request.extra.items() if name in ours}
    lost = [
        FieldWarning(f"{kind}.extra.{name}", f"is a field of {format_} alone; not sent")
        for name in request.extra
        if name not in kept
    ]
    return replace(request, extra=kept or None), tuple(lost)


def overridden(request: Input, overrides: RequestOverrides | None) -> Input:
    """Return a request with what a route changes in it; the cap on output never raises what was asked."""
    if overrides is None or not isinstance(request, ChatRequest):
        return request
    cap, asked = overrides.max_output_tokens, request.max_output_tokens
    reasoning = request.reasoning
    if overrides.reasoning_effort:
        reasoning = replace(reasoning or Reasoning(), effort=overrides.reasoning_effort)
    return replace(
        request,
        max_output_tokens=asked if cap is None else min(cap, asked if asked is not None else cap),
        temperature=request.temperature if overrides.temperature is None else overrides.temperature,
        reasoning=reasoning,
    )
