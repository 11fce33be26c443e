"""Behaviours of a provider that speaks Ollama's format, for `tests.providers.provider`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tests.providers import TOKENS, Behaviour, Peer

CREATED = "2026-05-14T09:31:07.101385406Z"
COUNTS = {
    "total_duration": 4883583458,
    "load_duration": 1334875,
    "prompt_eval_count": 10,
    "prompt_eval_duration": 342546000,
    "eval_count": 4,
    "eval_duration": 4535599000,
}


def line_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def message_line(**message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "", **message}
    return {"model": "served", "created_at": CREATED, "message": message, "done": False}


def done_line(**more: Any) -> dict[str, Any]:
    return {**message_line(), "done": True, "done_reason": "stop", **COUNTS, **more}


async def ok(peer: Peer) -> None:
    """A whole answer, of the kind and in the way that was asked for."""
    match peer.path:
        case "/api/embed":
            given = peer.body["input"]
            count = len(given) if isinstance(given, list) else 1
            vectors = [[0.5, float(i)] for i in range(count)]
            body = {"model": "served", "embeddings": vectors, "total_duration": 7, "prompt_eval_count": 3}
            await peer.reply(200, json.dumps(body).encode())
        case "/api/generate":
            await _generate(peer)
        case _:
            await _chat(peer)


async def _chat(peer: Peer) -> None:
    if not peer.body["messages"]:
        await peer.reply(200, line_bytes({**message_line(), "done": True, "done_reason": "load"}))
    elif not peer.body["stream"]:
        whole = {**done_line(), **message_line(content="".join(TOKENS)), "done": True, "new_in_some_version": [1.0]}
        await peer.reply(200, json.dumps(whole).encode())
    else:
        await stream_head(peer)
        for token in TOKENS:
            await peer.send(line_bytes(message_line(content=token)))
        await peer.send(line_bytes(done_line(new_in_some_version=[1.0])))


async def _generate(peer: Peer) -> None:
    def line(response: str) -> dict[str, Any]:
        return {"model": "served", "created_at": CREATED, "response": response, "done": False}

    end = {**line(""), "done": True, "done_reason": "stop", "context": [1, 2], **COUNTS}
    if not peer.body["stream"]:
        await peer.reply(200, json.dumps({**end, "response": "".join(TOKENS)}).encode())
        return
    await stream_head(peer)
    for token in TOKENS:
        await peer.send(line_bytes(line(token)))
    await peer.send(line_bytes(end))


def saying(*lines: Mapping[str, Any]) -> Behaviour:
    """Stream these lines, whatever they are."""

    async def behave(peer: Peer) -> None:
        await stream_head(peer)
        for line in lines:
            await peer.send(line_bytes(line))
            # So that each comes by itself, and what came before an error is on its way.
            await asyncio.sleep(0.02)

    return behave


def answering(message: Mapping[str, Any]) -> Behaviour:
    """Answer with this message, in one piece."""

    async def behave(peer: Peer) -> None:
        whole = {**done_line(), "message": {"role": "assistant", "content": "", **message}}
        if peer.body["stream"]:
            await stream_head(peer)
            await peer.send(line_bytes({**whole, "done": False}))
            await peer.send(line_bytes(done_line()))
        else:
            await peer.reply(200, json.dumps(whole).encode())

    return behave


def status(number: int, words: str, headers: Mapping[str, str] | None = None) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.reply(number, json.dumps({"error": words}).encode(), headers)

    return behave


async def stream_head(peer: Peer) -> None:
    await peer.head(200, {"content-type": "application/x-ndjson"})


async def hang_in_the_middle(peer: Peer) -> None:
    await stream_head(peer)
    for token in TOKENS[:2]:
        await peer.send(line_bytes(message_line(content=token)))
    await peer.until_gone()


async def truncated(peer: Peer) -> None:
    """Some tokens, then a clean end of the connection."""
    await stream_head(peer)
    for token in TOKENS[:2]:
        await peer.send(line_bytes(message_line(content=token)))
