"""Whole answers as the JSON of Ollama's API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson

from airegistry.dialects.relaying import relayed
from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.embeddings import EmbeddingsResponse
from airegistry.invocations.invocation import Settlement
from airegistry.invocations.usage import Usage
from gateway.fronts.accounts import settlement_value
from gateway.fronts.ollama.message import done_reason, logprobs_value, message_of

_OURS: Final = frozenset(
    ("model", "created_at", "message", "response", "thinking", "done", "done_reason", "airegistry")
)
_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around every line of an answer: the model as it was asked for, and the time; and which API it is of."""

    model: str
    now: Callable[[], datetime]
    generates: bool = False

    def line(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return a line with a message in it: as such, or as a `response` to a prompt."""
        head = {"model": self.model, "created_at": rfc3339(self.now())}
        if not self.generates:
            return {**head, "message": {"role": "assistant", "content": "", **message}}
        line = {**head, "response": message.get("content", "")}
        return {**line, "thinking": message["thinking"]} if "thinking" in message else line


def rfc3339(time: datetime) -> str:
    """Return a time as Ollama writes it."""
    return f"{time.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def chat_body(response: ChatResponse, settlement: Settlement, envelope: Envelope) -> bytes:
    """Return a whole answer, to a conversation or to a prompt."""
    lost: list[str] = []
    choice = response.choices[0]
    line = envelope.line(message_of(choice, lost))
    if choice.logprobs:
        line["logprobs"] = logprobs_value(choice.logprobs)
    word = done_reason(choice.finish_reason, choice.upstream_finish_reason)
    return orjson.dumps({**line, **ending(word, settlement, response.extra, lost)})


def loaded_body(envelope: Envelope, *, unloads: bool) -> bytes:
    """Return the answer to nothing, which asks an Ollama to load a model, or to unload it."""
    return orjson.dumps({**envelope.line({}), "done": True, "done_reason": "unload" if unloads else "load"})


def ending(word: str, settlement: Settlement, extra: Mapping[str, Any] | None, lost: list[str]) -> dict[str, Any]:
    """Return what the last line says: why the answer ended, how long it took, what it used, and who gave it.

    Fields of the provider's own stand beside ours, as they came: an Ollama's durations are more exact than ours.
    """
    return {
        "done": True,
        "done_reason": word,
        **durations(settlement),
        **counts(settlement.usage),
        **{name: value for name, value in (extra or {}).items() if name not in _OURS},
        "airegistry": settlement_value(settlement, lost),
    }


def durations(settlement: Settlement) -> dict[str, int]:
    """Return how long an answer took, in nanoseconds: until it began, and from there to its end, where that is known."""
    whole, first = settlement.duration, settlement.time_to_first_token
    if whole is None:
        return {}
    told = {"total_duration": round(whole * _NANOSECONDS)}
    if first is not None and first < whole:
        told["prompt_eval_duration"] = round(first * _NANOSECONDS)
    told["eval_duration"] = told["total_duration"] - told.get("prompt_eval_duration", 0)
    return told


def counts(usage: Usage | None) -> dict[str, int]:
    """Return what was counted; what is unknown is left out, as a 0 would be a lie."""
    if usage is None:
        return {}
    prompt = (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens)
    told = {
        "prompt_eval_count": _sum(*prompt, usage.input_audio_tokens),
        "eval_count": _sum(usage.output_tokens, usage.reasoning_tokens, usage.output_audio_tokens),
    }
    return {name: count for name, count in told.items() if count is not None}


def embed_body(response: EmbeddingsResponse, settlement: Settlement, model: str) -> bytes:
    """Return vectors."""
    vectors = [np.asarray(one.values, dtype="<f4") for one in response.embeddings]
    took = {} if settlement.duration is None else {"total_duration": round(settlement.duration * _NANOSECONDS)}
    prompt = {name: count for name, count in counts(settlement.usage).items() if name == "prompt_eval_count"}
    body: dict[str, Any] = {
        **took,
        **prompt,
        **{name: value for name, value in (response.extra or {}).items() if name not in ("model", "embeddings")},
        "model": model,
        "embeddings": vectors,
        "airegistry": settlement_value(settlement, []),
    }
    # orjson writes a 32-bit float in as few digits as it needs.
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def embeddings_body(response: EmbeddingsResponse | None) -> bytes:
    """Return the one vector of the older form."""
    vector: Any = [] if response is None else np.asarray(response.embeddings[0].values, dtype="<f4")
    return orjson.dumps({"embedding": vector}, option=orjson.OPT_SERIALIZE_NUMPY)


def relayed_line(wire: bytes, model: str, settlement: Settlement | None = None) -> bytes:
    """Return what a provider of this format wrote, with the model's name as the caller knows it, and the account of a call."""
    ours: dict[str, Any] = {"model": model}
    if settlement is not None:
        ours["airegistry"] = settlement_value(settlement, [])
    return relayed(wire, ours.keys(), ours)


def _sum(*parts: int | None) -> int | None:
    # The first of them is the one that every call has.
    return None if parts[0] is None else sum(part or 0 for part in parts)
