"""What of a stream goes out, and when."""

from typing import Any

import pytest

from airegistry.errors import ProviderConnectionError, RegistryError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.invocation import AttemptStarted, InvokeEvent, StreamEnd
from gateway.fronts.answering import Streamed, send_stream

STARTED = InvokeEvent(started=AttemptStarted(target="models/m/endpoints/e", attempt=2))
END = InvokeEvent(end=StreamEnd())


class Words:
    """Writes what was said, in a format of its own."""

    def write(self, batch: Any) -> bytes:
        return b"".join(b"." if event.end else _words(event) for event in batch)

    def failure(self, error: RegistryError) -> bytes:
        return f"!{error.reason}".encode()


def _words(event: InvokeEvent) -> bytes:
    return (event.chat_delta.text or "").encode() if event.chat_delta is not None else b""


def said(text: str) -> InvokeEvent:
    return InvokeEvent(chat_delta=ChatDelta(text=text))


async def sent(*batches: Any) -> Any:
    """Return what was sent when each batch was asked for, and in the end: bodies, the last of an answer with `$`."""
    out: list[str] = []
    seen: list[list[str]] = []

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            out.append(dict(event["headers"])[b"x-airegistry-target"].decode())
        else:
            out.append(event["body"].decode() + ("" if event.get("more_body") else "$"))

    async def made() -> Any:
        for batch in batches:
            seen.append(out.copy())
            if isinstance(batch, Exception):
                raise batch
            yield batch
        seen.append(out.copy())

    await send_stream(send, made(), Streamed(Words()))
    return seen, out


async def test_an_answer_in_one_part_goes_out_with_its_end():
    assert (await sent([STARTED, said("ab"), END]))[1] == ["models/m/endpoints/e", "ab.$"]


async def test_each_part_goes_out_before_the_next_is_asked_for_and_the_last_with_the_end():
    seen, out = await sent([STARTED, said("a")], [said("b")], [said("")], [said("c"), END])
    head = "models/m/endpoints/e"
    assert seen == [[], [head, "a"], [head, "a", "b"], [head, "a", "b"], [head, "a", "b"]]
    assert out == [head, "a", "b", "c.$"]


async def test_a_failure_in_the_middle_is_the_last_thing_that_is_sent():
    _, out = await sent([STARTED, said("a")], ProviderConnectionError("cut"))
    assert out[1:] == ["a", f"!{ProviderConnectionError.reason}$"]


async def test_a_failure_after_the_last_part_takes_nothing_away():
    _, out = await sent([STARTED, said("a"), END], ProviderConnectionError("cut"))
    assert out[1:] == [f"a.!{ProviderConnectionError.reason}$"]


async def test_a_failure_before_the_first_part_is_raised_and_nothing_is_sent():
    with pytest.raises(ProviderConnectionError):
        await sent(ProviderConnectionError("none"))
