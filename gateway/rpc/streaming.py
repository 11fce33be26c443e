"""What happens in a streamed call, as the bytes of its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from airegistry._convert import to_pb
from airegistry.invocations.invocation import InvokeEvent, InvokeStreamResponse
from airegistry.invocations.streaming import Happening, TextRun
from airegistry.v1 import chat_pb2
from airegistry.v1 import gateway_service_pb2 as pb

# Longer texts are rare, and may have any length.
_SHORT = 256


def response_bytes(happenings: Iterable[Happening]) -> bytes:
    """Return the serialized InvokeStreamResponse of what happened together.

    Serialized messages that are joined are one message that has the events of all.
    """
    return b"".join(_parts(happenings))


def _parts(happenings: Iterable[Happening]) -> Iterator[bytes]:
    events: list[InvokeEvent] = []
    for one in happenings:
        if not isinstance(one, TextRun):
            events.append(one)
            continue
        if events:
            yield _serialized(events)
            events = []
        yield _run(one)
    if events:
        yield _serialized(events)


def _serialized(events: Iterable[InvokeEvent]) -> bytes:
    written: bytes = to_pb(InvokeStreamResponse(tuple(events)), pb.InvokeStreamResponse).SerializeToString()
    return written


def _run(run: TextRun) -> bytes:
    before = _before(run.choice_index, run.block_index)
    parts: list[bytes] = []
    for text in run.texts:
        written = text.encode()
        parts += (before[len(written)], written)
    return b"".join(parts)


class _Before(dict[int, bytes]):
    """What stands before the text in the message of one delta, by the bytes that the text has: it ends with the text."""

    def __init__(self, choice: int, block: int) -> None:
        super().__init__()
        self._choice = choice
        self._block = block

    def __missing__(self, size: int) -> bytes:
        delta = chat_pb2.ChatDelta(choice_index=self._choice, block_index=self._block, text=" " * size)
        written: bytes = pb.InvokeStreamResponse(events=[pb.InvokeEvent(chat_delta=delta)]).SerializeToString()
        before = written[: len(written) - size]
        if size < _SHORT:
            self[size] = before
        return before


_before = lru_cache(maxsize=64)(_Before)
