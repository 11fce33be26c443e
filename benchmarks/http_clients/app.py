"""An ASGI application for inside Envoy: it passes a request on to the provider by the client that the path names."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from pyqwest import Client as PyqwestClient

from benchmarks.http_clients.clients import open_client
from benchmarks.http_clients.clients.port import Client, Options
from benchmarks.http_clients.clients.with_pyqwest import Pyqwest
from benchmarks.http_clients.loops import see_extra
from benchmarks.http_clients.provider import ANSWER, BURST, CHUNK, EVENTS

Send = Callable[[dict[str, Any]], Awaitable[None]]

NOBODY = "nobody"
"""Stands for no client: the application answers by itself."""
ENVOY = "Envoy, by pyvoy"
"""Stands for Envoy itself as the client."""
CLUSTER = "provider"
PROCESSOR, VERSION = "/processor", "/version"

_clients: dict[str, Client] = {}


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    """Answer `/client/work` as the provider does at `/work`."""
    if scope["type"] != "http":
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message.get("more_body"):
            break
    _, name, *rest = scope["path"].split("/", 2)
    work = "".join(rest)
    if scope["path"] == PROCESSOR:
        await _answer(send, str(time.process_time()).encode())
    elif scope["path"] == VERSION:
        await _answer(send, scope["http_version"].encode())
    elif name == NOBODY:
        await _answer(send, CHUNK * EVENTS if f"/{work}" == BURST else ANSWER)
    elif work == "whole":
        await _answer(send, (await (await _client(unquote(name))).whole(_url(work), body)).body)
    else:
        await _stream(send, await _client(unquote(name)), _url(work), body)


async def _stream(send: Send, client: Client, url: str, body: bytes) -> None:
    await _start(send, b"text/event-stream")
    async with aclosing(client.pieces(url, body)) as pieces:  # type: ignore[type-var]  # generators, all of them
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(send: Send, body: bytes) -> None:
    await _start(send, b"application/json")
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _start(send: Send, content_type: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})


async def _client(name: str) -> Client:
    if name not in _clients:
        see_extra()
        _clients[name] = _envoy() if name == ENVOY else await open_client(name, Options())
    return _clients[name]


def _envoy() -> Client:
    # This module there is only inside Envoy.
    transport: Any = import_module("pyvoy.asgi.httpclient").HTTPTransport(CLUSTER)
    return Pyqwest(PyqwestClient(transport))


def _url(work: str) -> str:
    return f"{os.environ['BENCH_PROVIDER']}/{work}"
