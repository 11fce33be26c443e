"""A caller's own request in this very format, passed on with no more changed in it than must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from airegistry.dialects.anthropic.thinking import thinking_of
from airegistry.dialects.anthropic.variants import Variant
from airegistry.dialects.relaying import relayed
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import ChatRequest, Reasoning

HEAD: Final = ("model", "max_tokens", "temperature", "stream")
"""Wire fields that are never passed on as a caller wrote them."""

_EFFORT: Final = ("thinking", "output_config")


class _Said(msgspec.Struct):
    thinking: Any = None
    output_config: Any = None


def passed_on(wire: bytes, head: Mapping[str, Any], request: ChatRequest, variant: Variant) -> bytes:
    """Return *wire* with the members of *head* in the place of its own.

    What it says of thinking stays as it is, unless the route asks for another effort than the caller did.
    """
    reasoning = request.reasoning
    if reasoning is None or not reasoning.effort:
        return relayed(wire, HEAD, head)
    said = _said(wire)
    if reasoning.effort == effort_said(said.thinking, said.output_config):
        return relayed(wire, HEAD, head)
    thinking = thinking_of(Reasoning(reasoning.effort), head.get("max_tokens", 0), variant)
    body = {**head, **({"thinking": thinking.config} if thinking.config is not None else {})}
    kept = said.output_config if isinstance(said.output_config, dict) else {}
    config = {name: value for name, value in kept.items() if name != "effort"}
    if thinking.effort:
        config["effort"] = thinking.effort
    if config:
        body["output_config"] = config
    return relayed(wire, (*HEAD, *_EFFORT), body)


def effort_said(thinking: Any, output_config: Any) -> str:
    """Return the effort that a request of this format asks for; empty where it leaves it to the model."""
    effort = output_config.get("effort") if isinstance(output_config, dict) else None
    if isinstance(effort, str) and effort:
        return effort
    return "none" if isinstance(thinking, dict) and thinking.get("type") == "disabled" else ""


def _said(wire: bytes) -> _Said:
    try:
        return msgspec.json.decode(wire, type=_Said)
    except msgspec.DecodeError as error:
        raise InvalidArgumentError("the body is not a JSON object") from error
