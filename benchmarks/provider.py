"""A provider that costs almost nothing: fixed OpenAI answers from a bare asyncio protocol, unary and streamed."""

from __future__ import annotations

import argparse
import asyncio

import orjson
import uvloop

TOKENS = 100
_CREATED = 1_700_000_000
_HEAD: dict[str, object] = {"id": "chatcmpl-1", "created": _CREATED, "model": "fast"}
_USAGE = {"prompt_tokens": 5, "completion_tokens": TOKENS, "total_tokens": TOKENS + 5}


def _unary() -> bytes:
    choice: dict[str, object] = {
        "index": 0,
        "message": {"role": "assistant", "content": "word " * TOKENS},
        "finish_reason": "stop",
    }
    body = orjson.dumps({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE})
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _streamed() -> bytes:
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}] + [{"content": "word "}] * TOKENS
    choices: list[list[object]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    chunks: list[dict[str, object]] = [{"choices": choice, "usage": None} for choice in choices]
    chunks.append({"choices": [], "usage": _USAGE})
    events = [
        b"data: " + orjson.dumps({**_HEAD, "object": "chat.completion.chunk", **chunk}) + b"\n\n" for chunk in chunks
    ]
    body = b"".join(events) + b"data: [DONE]\n\n"
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


UNARY, STREAMED = _unary(), _streamed()


class Provider(asyncio.Protocol):
    """Answers each request once it is whole; enough HTTP/1.1 for a well-behaved client."""

    def __init__(self) -> None:
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            length = _content_length(self._waiting[:end])
            if len(self._waiting) < end + 4 + length:
                return
            body = self._waiting[end + 4 : end + 4 + length]
            self._waiting = self._waiting[end + 4 + length :]
            streamed = b'"stream":true' in body or b'"stream": true' in body
            self._transport.write(STREAMED if streamed else UNARY)  # type: ignore[attr-defined]  # a stream transport


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":", 1)[1])
    return 0


async def serve(port: int) -> None:
    """Serve until the process is stopped."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
