"""A caller's own Ollama request on its way to an Ollama: what a route may change is changed, the rest stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from airegistry.dialects.ollama.encode import effort_of, has_levels, thought
from airegistry.dialects.relaying import relayed
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Reasoning
from airegistry.invocations.kinds import RawRequest
from airegistry.resources.endpoint import Communication, Endpoint

CHAT_PATH: Final = "/api/chat"


@dataclass(frozen=True, slots=True)
class OwnWords(RawRequest):
    """A body of `/api/generate` or `/api/chat` with the name of a model here: who is asked gets its own name in that place.

    A RawRequest as such goes through untouched, and names the upstream model itself.
    """


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def relayed_chat(wire: bytes, request: ChatRequest, endpoint: Endpoint, *, stream: bool) -> bytes:
    """Return the caller's body for an endpoint, with the output limit, temperature and thought of *request*."""
    said = _decoded(wire)
    ours: dict[str, Any] = {"model": endpoint.upstream_model, "stream": stream}
    if (options := _changed_options(said, request)) is not None:
        ours["options"] = options
    effort = (request.reasoning or Reasoning()).effort
    if effort != effort_of(_value(said, "think")):
        ours["think"] = thought(Reasoning(effort=effort), levels=has_levels(endpoint))
    return relayed(wire, ours.keys(), ours)


def relayed_words(wire: bytes, endpoint: Endpoint, *, stream: bool) -> bytes:
    """Return the caller's body for an endpoint, all of it but the model and how the answer is to come."""
    return relayed(wire, ("model", "stream"), {"model": endpoint.upstream_model, "stream": stream})


def at_generate(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as one that is asked at `/api/generate`, the sister of its `/api/chat`."""
    communication = endpoint.communication or Communication()
    path = communication.path or CHAT_PATH
    if not path.endswith("/chat"):
        raise UnsupportedFieldError(f"the endpoint's path {path[:100]!r} does not tell where it generates")
    return replace(endpoint, communication=replace(communication, path=f"{path.removesuffix('chat')}generate"))


def generates(wire: bytes) -> bool:
    """Whether a body is one of `/api/generate`: it has a prompt, or at least no messages."""
    return "messages" not in _decoded(wire)


def _changed_options(said: Mapping[str, msgspec.Raw], request: ChatRequest) -> dict[str, Any] | None:
    """Return `options` anew where a route changed something in them; None where they may stay."""
    options: dict[str, Any] = {}
    if _value(said, "options") is not None:
        options.update(_decoded(bytes(said["options"])))
    changed: dict[str, Any] = {}
    limit = _value(options, "num_predict")
    # -1 and -2 mean no limit.
    if request.max_output_tokens != (limit if isinstance(limit, int) and limit > 0 else None):
        changed["num_predict"] = request.max_output_tokens
    if request.temperature != _value(options, "temperature"):
        changed["temperature"] = request.temperature
    return {**options, **changed} if changed else None


def _decoded(wire: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _members.decode(wire)
    except msgspec.DecodeError as error:
        raise InvalidArgumentError("the body is not a JSON object") from error


def _value(members: Mapping[str, Any], name: str) -> Any:
    return msgspec.json.decode(members[name]) if name in members else None
