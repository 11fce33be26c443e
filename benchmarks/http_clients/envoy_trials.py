"""What Envoy makes, as the client of what runs in it, of servers that misbehave, and of a call whose request is over."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from pyqwest import Client
from pyvoy import HTTPVersion, PyvoyServer, Upstream

from benchmarks.http_clients.clients.ours import opened
from benchmarks.http_clients.clients.port import Options
from benchmarks.http_clients.peer import OK, WHOLE, Script, Seen, answers, peer, request, until_gone

_PATIENCE = 0.5
_AFTER = "after"


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
    await request(reader, seen)
    writer.transport.abort()


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, seen: Seen) -> None:
    await request(reader, seen)
    await until_gone(reader)


_SERVERS: Mapping[str, tuple[str, Script]] = {
    "good": ("a provider that answers", answers(WHOLE)),
    "resets": ("a provider that resets", _resets),
    "garbage": ("a provider that speaks no HTTP", answers(b"SSH-2.0-whatever\r\n\r\n", close=True)),
    "silent": (f"a provider that says nothing, {_PATIENCE} s allowed", _silent),
    "cut": ("an answer that is cut", answers(OK + b"content-length: 9\r\n\r\ndone", close=True)),
}


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Call the cluster that the path names, and answer with what that was like; `/after` does so when it has answered."""
    if scope["type"] != "http":
        return
    name = scope["path"].strip("/")
    if name != _AFTER:
        await _answer(send, await _seen(name))
        return
    await _answer(send, "")
    asyncio.get_running_loop().call_later(0.1, _call_after)


def _call_after() -> None:
    task = asyncio.ensure_future(_seen("good"))
    _after.append(task)
    task.add_done_callback(lambda done: Path(os.environ["BENCH_AFTER"]).write_text(done.result()))


_after: list[asyncio.Task[str]] = []


async def _seen(cluster: str) -> str:
    # This module there is only inside Envoy.
    transport: Any = import_module("pyvoy.asgi.httpclient").HTTPTransport(cluster, timeout=_PATIENCE)
    try:
        response = await Client(transport).post("http://provider.example/", {}, b"{}")
    except Exception as error:  # noqa: BLE001 - which one is the question
        return f"{type(error).__name__}: {error}"
    return f"an answer, {response.status}: {bytes(response.content).decode()}"


async def _answer(send: Any, text: str) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


async def tried(folder: Path) -> dict[str, str]:
    """Return what each trial saw. *folder* is for what is seen when nobody waits for an answer."""
    after = folder / "after"
    async with AsyncExitStack() as stack:
        running = {name: await stack.enter_async_context(peer(script)) for name, (_, script) in _SERVERS.items()}
        addresses = {name: server.url for name, server in running.items()} | {"nobody": "127.0.0.1:1"}
        url = await stack.enter_async_context(_envoy(addresses, after))
        client = await opened(Options())
        seen = {
            words: (await client.whole(f"{url}/{name}", b"{}")).body.decode() for name, (words, _) in _SERVERS.items()
        }
        seen["a provider that is not there"] = (await client.whole(f"{url}/nobody", b"{}")).body.decode()
        await client.whole(f"{url}/{_AFTER}", b"{}")
        await asyncio.sleep(4 * _PATIENCE)
        seen["a call that begins when its request is over"] = after.read_text() if after.exists() else "never ends"
        await client.close()
    return seen


@asynccontextmanager
async def _envoy(addresses: Mapping[str, str], after: Path) -> AsyncIterator[str]:
    server = PyvoyServer(
        "benchmarks.http_clients.envoy_trials:app",
        upstreams=[Upstream(name, url.removeprefix("http://"), HTTPVersion.HTTP1) for name, url in addresses.items()],
        env={"BENCH_AFTER": str(after), "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
        lifespan=False,
    )
    async with server:
        yield f"http://127.0.0.1:{server.listener_port}"
