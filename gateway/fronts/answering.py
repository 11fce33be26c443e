"""Sending answers to HTTP callers, whole or as they are made, in whatever format a front writes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

from starlette.types import Send

from airegistry.errors import RegistryError
from airegistry.invocations.invocation import AttemptStarted, InvokeEvent, Settlement
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.routing.lifecycles import MODEL

JSON = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"


class StreamWriter(Protocol):
    """Writes the events of one answer in a front's format."""

    def write(self, batch: Sequence[InvokeEvent]) -> bytes:
        """Return what a batch of events is on the wire; the last batch has the end."""
        ...

    def failure(self, error: RegistryError) -> bytes:
        """Return what tells a caller in the middle of an answer that nothing more comes."""
        ...


@dataclass(frozen=True, slots=True)
class Streamed:
    """How a front streams: the writer of one answer, the media type of what it writes, and headers of its own."""

    writer: StreamWriter
    media_type: str = EVENT_STREAM
    headers: Mapping[str, str] = field(default_factory=dict)


async def send_stream(send: Send, batches: AsyncGenerator[list[InvokeEvent], None], streamed: Streamed) -> None:
    """Send an answer as it is made. A failure before its first part raises; a later one is the last thing sent."""
    async with aclosing(batches):
        batch = await anext(batches)
        headers = {"cache-control": "no-store", **streamed.headers, **_beginning(batch)}
        await send_head(send, streamed.media_type, headers)
        last = b""
        try:
            last = await _sent(send, batch, streamed.writer)
            async for batch in batches:
                last = await _sent(send, batch, streamed.writer)
        except RegistryError as error:
            last += streamed.writer.failure(error)
    await send({"type": "http.response.body", "body": last})


async def _sent(send: Send, batch: Sequence[InvokeEvent], writer: StreamWriter) -> bytes:
    """Send a part. The last one is returned instead: nothing comes after it, so that it goes out with the end of the answer."""
    data = writer.write(batch)
    if batch[-1].end is not None:
        return data
    if data:
        await send({"type": "http.response.body", "body": data, "more_body": True})
    return b""


async def send_whole(send: Send, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a whole answer in JSON."""
    await send_head(send, JSON, {"content-length": str(len(body)), **headers})
    await send({"type": "http.response.body", "body": body})


async def send_head(send: Send, media_type: str, headers: Mapping[str, str]) -> None:
    """Send status 200 and headers."""
    lines = [(name.encode(), value.encode()) for name, value in {"content-type": media_type, **headers}.items()]
    await send({"type": "http.response.start", "status": 200, "headers": lines})


def account(settlement: Settlement) -> Mapping[str, str]:
    """Return the headers that say who answered."""
    facts = {
        "x-airegistry-target": settlement.target,
        "x-airegistry-route": settlement.route,
        "x-airegistry-split-arm": settlement.split_arm,
        "x-airegistry-notice": _notice(settlement.warnings),
        "x-airegistry-attempts": str(len(settlement.attempts)),
        "x-airegistry-revision": str(settlement.revision),
        "x-airegistry-stale": "true" if settlement.stale else "",
    }
    return {name: value for name, value in facts.items() if value}


def warned(settlement: Settlement | None, warnings: Sequence[FieldWarning]) -> Settlement:
    """Add to an account what was lost between the caller's words and the canonical request."""
    known = settlement or Settlement()
    return replace(known, warnings=(*warnings, *known.warnings)) if warnings else known


def _beginning(batch: Sequence[InvokeEvent]) -> Mapping[str, str]:
    """Return the headers that can be known when an answer begins."""
    started = next((event.started for event in batch if event.started is not None), AttemptStarted())
    facts = {
        "x-airegistry-target": started.target,
        "x-airegistry-attempts": str(started.attempt),
        "x-airegistry-notice": _notice(started.warnings),
    }
    return {name: value for name, value in facts.items() if value}


def _notice(warnings: Sequence[FieldWarning]) -> str:
    """Return what a caller should know of the model that it named: that it is deprecated or gone, and what to use instead."""
    return "; ".join(warning.message for warning in warnings if warning.path == MODEL)
