"""Whole answers as the JSON of Anthropic's API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from airegistry.invocations.chat import ChatChoice, ChatResponse
from airegistry.invocations.invocation import Settlement
from airegistry.invoke.counting import Counted
from gateway.fronts.anthropic.account import account_of_count, account_value
from gateway.fronts.anthropic.message import content_value
from gateway.fronts.anthropic.stopping import stop_fields
from gateway.fronts.anthropic.usage import REST, usage_value

_OURS: Final = frozenset(("id", "type", "role", "model", "content", "usage", "airegistry", *REST))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around an answer: our id of it, and the model as it was asked for."""

    id: str
    model: str


def message_body(response: ChatResponse, settlement: Settlement | None, envelope: Envelope) -> bytes:
    """Return a message. Fields of the provider's own stand beside ours, as they came."""
    lost: list[str] = []
    choice = response.choices[0] if response.choices else ChatChoice()
    if len(response.choices) > 1:
        lost.append("choices: this format has one answer; the others are not here")
    if choice.logprobs:
        lost.append("logprobs: have no place in this format")
    extra = response.extra or {}
    body: dict[str, Any] = {
        **{name: value for name, value in extra.items() if name not in _OURS},
        "id": envelope.id,
        "type": "message",
        "role": "assistant",
        "model": envelope.model,
        "content": content_value(choice.message.content if choice.message else (), lost),
        **stop_fields(choice, extra, lost),
        "usage": usage_value(settlement.usage if settlement else None, extra),
    }
    body["airegistry"] = account_value(settlement, lost)
    return orjson.dumps(body)


def count_body(counted: Counted) -> bytes:
    """Return the count of a request's tokens. Who counted, or that nobody did, stands beside it."""
    told = account_of_count(counted)
    return orjson.dumps({"input_tokens": counted.tokens, "airegistry": told})
