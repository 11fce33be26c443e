"""Calls over the HTTP fronts, as bytes: no SDK stands between a fault and the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp

from tests.faults.calling import DEADLINE, Ask, Callers, Carrier, Got


@dataclass(frozen=True)
class Front:
    """A front as its callers see it."""

    id: str
    path: str
    dialect: str
    body: Callable[[Ask], dict[str, Any]]
    read: Callable[[dict[str, Any], Got], None]
    """Reads a whole answer."""
    hear: Callable[[dict[str, Any], Got], None]
    """Reads one event of a stream."""
    reason: Callable[[dict[str, Any]], str]
    """Reads an error, as the body of an answer or as the last event of a stream; empty where there is none."""


async def call(callers: Callers, ask: Ask, *, front: Front, stream: bool) -> Got:
    body = json.dumps({**front.body(ask), "stream": stream})
    async with callers.http.post(front.path, data=body, timeout=aiohttp.ClientTimeout(DEADLINE)) as reply:
        got = Got(attempts=int(reply.headers["x-airegistry-attempts"]) if reply.ok and not stream else None)
        got.status = _OVERLOADED.get(reply.status, reply.status)
        said = await reply.read()
        if not reply.ok:
            got.reason = front.reason(json.loads(said))
            got.retry_after = float(reply.headers["retry-after"]) if "retry-after" in reply.headers else None
        elif stream:
            _hear_all(front, said, got)
        else:
            front.read(json.loads(said), got)
    return got


_OVERLOADED = {529: 503}
"""Anthropic has a status of its own for it."""


def _hear_all(front: Front, said: bytes, got: Got) -> None:
    for event in _events(said):
        assert not got.ended, "something comes after the end"
        if event == b"[DONE]":
            got.whole = True
            continue
        value = json.loads(event)
        got.reason = front.reason(value)
        if not got.reason:
            front.hear(value, got)


def _events(said: bytes) -> Iterator[bytes]:
    """Yield the events of a stream: server-sent ones of one `data` line each, or lines of JSON."""
    for line in said.splitlines():
        if line.startswith((b"data: ", b"{")):
            yield line.removeprefix(b"data: ")


def _turns(ask: Ask) -> dict[str, Any]:
    return {"model": ask.model, "messages": [{"role": role, "content": text} for role, text in ask.turns()]}


def _read_openai(body: dict[str, Any], got: Got) -> None:
    (choice,) = body["choices"]
    got.said, got.whole, got.finished = [choice["message"]["content"]], True, choice["finish_reason"] is not None


def _hear_openai(event: dict[str, Any], got: Got) -> None:
    for choice in event["choices"]:
        got.said.append(choice["delta"].get("content") or "")
        got.finished = got.finished or choice["finish_reason"] is not None


_OPENAI_WORDS = {"rate_limit_exceeded": "PROVIDER_RATE_LIMITED", "content_filter": "CONTENT_REFUSED"}


def _openai_reason(body: dict[str, Any]) -> str:
    error = body.get("error")
    if error is None:
        return ""
    assert error.keys() == {"message", "type", "param", "code"}
    code: str = error["code"]
    return _OPENAI_WORDS.get(code, code.upper())


def _anthropic_body(ask: Ask) -> dict[str, Any]:
    return {**_turns(ask), "max_tokens": 100}


def _read_anthropic(body: dict[str, Any], got: Got) -> None:
    got.said, got.whole = [block["text"] for block in body["content"]], True
    got.finished = body["stop_reason"] is not None


def _hear_anthropic(event: dict[str, Any], got: Got) -> None:
    match event["type"]:
        case "content_block_delta":
            got.said.append(event["delta"]["text"])
        case "message_delta":
            got.finished = event["delta"]["stop_reason"] is not None
        case "message_stop":
            got.whole = True


def _anthropic_reason(body: dict[str, Any]) -> str:
    if body["type"] != "error":
        return ""
    reason: str = body["error"]["reason"]
    return reason


def _responses_body(ask: Ask) -> dict[str, Any]:
    turns = [{"type": "message", "role": role, "content": text} for role, text in ask.turns()]
    return {"model": ask.model, "input": turns}


def _read_responses(body: dict[str, Any], got: Got) -> None:
    texts = [part["text"] for item in body["output"] if item["type"] == "message" for part in item["content"]]
    got.said, got.whole, got.finished = texts, True, body["status"] == "completed"


def _hear_responses(event: dict[str, Any], got: Got) -> None:
    if event["type"] == "response.output_text.delta":
        got.said.append(event["delta"])
    elif event["type"] == "response.completed":
        got.whole, got.finished = True, event["response"]["status"] == "completed"


def _responses_reason(body: dict[str, Any]) -> str:
    # A response has an `error` too, and it is null.
    return _openai_reason(body) if body.get("error") else ""


def _hear_ollama(line: dict[str, Any], got: Got) -> None:
    got.said.append(line["message"]["content"])
    got.whole = line["done"]
    got.finished = "done_reason" in line


def _ollama_reason(line: dict[str, Any]) -> str:
    reason: str = line.get("reason", "")
    assert bool(reason) == ("error" in line)
    return reason


FRONTS = (
    Front(
        "chat-completions", "/v1/chat/completions", "openai.chat", _turns, _read_openai, _hear_openai, _openai_reason
    ),
    Front(
        "messages",
        "/v1/messages",
        "anthropic.messages",
        _anthropic_body,
        _read_anthropic,
        _hear_anthropic,
        _anthropic_reason,
    ),
    Front(
        "responses",
        "/v1/responses",
        "openai.responses",
        _responses_body,
        _read_responses,
        _hear_responses,
        _responses_reason,
    ),
    Front("ollama", "/api/chat", "ollama.chat", _turns, _hear_ollama, _hear_ollama, _ollama_reason),
)
HTTP = tuple(
    Carrier(f"{front.id}-{kind}", partial(call, front=front, stream=stream), streamed=stream, dialect=front.dialect)
    for front in FRONTS
    for kind, stream in (("whole", False), ("stream", True))
)


async def post(callers: Callers, ask: Ask, *, path: str, body: dict[str, Any]) -> Got:
    """Ask for something else than a conversation, and wait until it is there."""
    async with callers.http.post(path, data=json.dumps({"model": ask.model, **body})) as reply:
        await reply.read()
        return Got(whole=reply.ok)


def _other(path: str, dialect: str, body: dict[str, Any]) -> Carrier:
    return Carrier(
        path.strip("/").replace("/", "-"), partial(post, path=path, body=body), streamed=False, dialect=dialect
    )


OTHERS = (
    _other("/v1/embeddings", "openai.embeddings", {"input": "one"}),
    _other("/v1/images/generations", "openai.images", {"prompt": "a tree"}),
    _other("/api/embed", "ollama.embed", {"input": "one"}),
    _other("/api/generate", "openai.chat", {"prompt": "one"}),
)
"""What else than conversations can be asked of the fronts, and a dialect that answers it."""
