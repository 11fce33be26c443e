"""Behaviours of providers that speak Anthropic's Messages API, for the server in `providers`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from tests.providers import Behaviour, Peer

TOKENS = ("One", " two", " three", " four")
USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 6, "output_tokens": 4}
OPEN = Communication(dialect="anthropic.messages", auth=Auth(AuthMethod.NONE))
WITH_KEY = Communication(dialect="anthropic.messages", auth=Auth(AuthMethod.HEADER, "x-api-key"))


def message(content: list[dict[str, Any]], stop_reason: str = "end_turn", **fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }


async def event(peer: Peer, kind: str, **fields: Any) -> None:
    data = json.dumps({"type": kind, **fields})
    await peer.send(f"event: {kind}\ndata: {data}\n\n".encode())


async def start(peer: Peer) -> None:
    await peer.head(200, {"content-type": "text/event-stream"})
    await event(
        peer, "message_start", message={**message([]), "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}
    )
    await event(peer, "ping")


async def end(peer: Peer, stop_reason: str = "end_turn") -> None:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    await event(peer, "message_delta", delta=delta, usage={"output_tokens": USAGE["output_tokens"]})
    await event(peer, "message_stop")


async def say(peer: Peer, *words: str, index: int = 0) -> None:
    await event(peer, "content_block_start", index=index, content_block={"type": "text", "text": ""})
    for word in words:
        await event(peer, "content_block_delta", index=index, delta={"type": "text_delta", "text": word})
    await event(peer, "content_block_stop", index=index)


async def ok(peer: Peer) -> None:
    """A whole answer in the way that was asked for, or the count of tokens."""
    if peer.path.endswith("/count_tokens"):
        await peer.reply(200, b'{"input_tokens": 2095}')
    elif peer.body.get("stream"):
        await start(peer)
        await say(peer, *TOKENS)
        await end(peer)
    else:
        await peer.reply(200, json.dumps(message([{"type": "text", "text": "".join(TOKENS)}])).encode())


def answer(content: list[dict[str, Any]], stop_reason: str = "end_turn", **fields: Any) -> Behaviour:
    """A whole answer with this content."""

    async def behave(peer: Peer) -> None:
        await peer.reply(200, json.dumps(message(content, stop_reason, **fields)).encode())

    return behave


def streamed(events: list[dict[str, Any]], stop_reason: str = "end_turn") -> Behaviour:
    """A streamed answer with these events between its start and its end."""

    async def behave(peer: Peer) -> None:
        await start(peer)
        for fields in events:
            await event(peer, fields["type"], **{name: value for name, value in fields.items() if name != "type"})
        await end(peer, stop_reason)

    return behave


def refusing(status: int, type_: str, text: str = "no", headers: Mapping[str, str] | None = None) -> Behaviour:
    """An error with the body that Anthropic sends."""

    async def behave(peer: Peer) -> None:
        body = {"type": "error", "error": {"type": type_, "message": text}, "request_id": "req_up"}
        await peer.reply(status, json.dumps(body).encode(), headers)

    return behave


async def hang_in_the_middle(peer: Peer) -> None:
    await start(peer)
    await event(peer, "content_block_start", index=0, content_block={"type": "text", "text": ""})
    await event(peer, "content_block_delta", index=0, delta={"type": "text_delta", "text": TOKENS[0]})
    await peer.until_gone()


async def error_inside(peer: Peer) -> None:
    """An error in the middle of an answer with status 200."""
    await start(peer)
    await say(peer, TOKENS[0])
    await asyncio.sleep(0.02)
    await event(peer, "error", error={"type": "overloaded_error", "message": "Overloaded"})


async def truncated(peer: Peer) -> None:
    """Everything but `message_stop`, then a clean end of the connection."""
    await start(peer)
    await say(peer, TOKENS[0])
    await event(peer, "message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1})
