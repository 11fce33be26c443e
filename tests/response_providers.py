"""Providers that speak OpenAI's Responses API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from tests.providers import Behaviour, Peer

USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens": 6,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 16,
}
THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Look first."}],
    "encrypted_content": "gAAAAmade-up",
}


def message(*texts: str, **facts: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} for text in texts]
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content, **facts}


def call(name: str, arguments: str, number: int = 1) -> dict[str, Any]:
    id_ = f"fc_{number}"
    return {
        "id": id_,
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{number}",
        "name": name,
        "arguments": arguments,
    }


def answering(*output: dict[str, Any], **facts: Any) -> Behaviour:
    """An answer of these items, whole or streamed. *facts* are more of the response's fields (`status`)."""

    async def behave(peer: Peer) -> None:
        begun = _response([], status="in_progress")
        ended = _response(list(output), **{"status": "completed", "usage": USAGE} | facts)
        if not peer.body.get("stream"):
            await peer.reply(200, json.dumps(ended).encode())
            return
        await peer.head(200, {"content-type": "text/event-stream"})
        middle = [event for i, item in enumerate(output) for event in _made(i, item)]
        last = {"type": f"response.{ended['status']}", "response": ended}
        await tell(peer, {"type": "response.created", "response": begun}, *middle, last)

    return behave


async def begins_and_hangs(peer: Peer) -> None:
    """Some text, and then nothing."""
    await _begin(peer)
    await peer.until_gone()


async def begins_and_ends(peer: Peer) -> None:
    """Some text, and then a clean end of the connection."""
    await _begin(peer)


def begins_and_fails(**error: Any) -> Behaviour:
    """Some text, and then an error."""

    async def behave(peer: Peer) -> None:
        await _begin(peer)
        # So that the failure comes by itself, and what came before it is on its way.
        await asyncio.sleep(0.02)
        response = _response([], status="failed", error=error)
        await tell(peer, {"type": "response.failed", "response": response}, start=4)

    return behave


async def tell(peer: Peer, *events: dict[str, Any], start: int = 0) -> None:
    """Send events with their numbers."""
    for i, event in enumerate(events, start):
        data = json.dumps({**event, "sequence_number": i})
        await peer.send(f"event: {event['type']}\ndata: {data}\n\n".encode())


async def _begin(peer: Peer) -> None:
    await peer.head(200, {"content-type": "text/event-stream"})
    created = {"type": "response.created", "response": _response([], status="in_progress")}
    await tell(peer, created, *list(_made(0, message("One two three")))[:3])


def _response(output: list[dict[str, Any]], **facts: Any) -> dict[str, Any]:
    head = {"id": "resp_up", "object": "response", "created_at": 1_790_000_000, "model": "served", "novel": {"a": 1}}
    return {**head, "output": output, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True, **facts}


def _made(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events in which an item is made."""
    empty = {name: [] if isinstance(value, list) else value for name, value in item.items()}
    if item["type"] == "function_call":
        empty["arguments"] = ""
    yield {"type": "response.output_item.added", "output_index": index, "item": empty}
    about = {"output_index": index, "item_id": item["id"]}
    for i, part in enumerate(item.get("content", ())):
        yield {"type": "response.content_part.added", "content_index": i, "part": {**part, "text": ""}, **about}
        for piece in _cut(part["text"]):
            delta = {"type": "response.output_text.delta", "content_index": i, "delta": piece, "logprobs": []}
            yield {**delta, **about}
    for i, part in enumerate(item.get("summary", ())):
        yield {"type": "response.reasoning_summary_text.delta", "summary_index": i, "delta": part["text"], **about}
    for piece in _cut(item.get("arguments", "")):
        yield {"type": "response.function_call_arguments.delta", "delta": piece, **about}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _cut(text: str) -> list[str]:
    return [text[i : i + 5] for i in range(0, len(text), 5)]
