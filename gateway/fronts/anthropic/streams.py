"""Streamed answers as the server-sent events of Anthropic's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from airegistry.errors import RegistryError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.invocation import InvokeEvent, Settlement, StreamEnd
from gateway.fronts.anthropic.account import account_value
from gateway.fronts.anthropic.block_events import BlockEvents, event_bytes
from gateway.fronts.anthropic.errors import error_value
from gateway.fronts.anthropic.relays import relayed_end, relayed_event
from gateway.fronts.anthropic.responses import Envelope
from gateway.fronts.anthropic.stopping import stop_fields
from gateway.fronts.anthropic.usage import usage_value

_STOP: Final = event_bytes("message_stop", {})


class MessageEvents:
    """Writes the events of one answer.

    Why it ended goes out with its end: a caller sees a stop_reason only of an answer that is whole.
    """

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._lost: list[str] = []
        self._blocks = BlockEvents(self._lost)
        self._begun = False
        self._ended = ChatDelta()

    def write(self, batch: Sequence[InvokeEvent]) -> bytes:
        """Return the events of a batch. Those that the provider wrote itself go on as they are."""
        parts = [self._delta(event.chat_delta) for event in batch if event.chat_delta is not None]
        relayed = [event.raw.body for event in batch if event.raw is not None]
        end = batch[-1].end
        if end is None:
            parts += map(relayed_event, relayed)
        elif relayed:
            parts.append(relayed_end(relayed, end.settlement or Settlement()))
        else:
            parts.append(self._end(end))
        return b"".join(parts)

    def failure(self, error: RegistryError) -> bytes:
        """Return the event that ends a stream with an error; no `message_stop` may follow it."""
        return b"event: error\ndata: " + orjson.dumps(error_value(error)) + b"\n\n"

    def _delta(self, delta: ChatDelta) -> bytes:
        opening = b"" if self._begun else self._start()
        if delta.finish_reason is not None:
            self._ended = delta
        return opening + self._blocks.take(delta)

    def _start(self) -> bytes:
        self._begun = True
        message: dict[str, Any] = {
            "id": self._envelope.id,
            "type": "message",
            "role": "assistant",
            "model": self._envelope.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            # Nothing is counted yet; the totals come with the end.
            "usage": usage_value(None),
        }
        return event_bytes("message_start", {"message": message}) + event_bytes("ping", {})

    def _end(self, end: StreamEnd) -> bytes:
        opening = b"" if self._begun else self._start()
        rest = self._blocks.close()
        settlement = end.settlement or Settlement()
        last = {
            "delta": stop_fields(self._ended, end.extra, self._lost),
            "usage": usage_value(settlement.usage, end.extra),
            "airegistry": account_value(settlement, self._lost),
        }
        return opening + rest + event_bytes("message_delta", last) + _STOP
