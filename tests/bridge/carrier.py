"""The test's side of the bridge: Envoys that wait to be used, and the product's carrier behind them."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from airegistry._rpc.carrier import Carried, ConnectionAge, Offer
from airegistry._rpc.envoy.admin import Admin
from airegistry._rpc.envoy.bootstrap import admin_socket, bootstrap
from airegistry._rpc.envoy.carrier import EnvoyCarrier
from airegistry._rpc.envoy.installed import find_envoy
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.transcoding import api_pages
from airegistry._rpc.listening import bind_shared, join_address, listen_on, split_address
from tests.bridge.inside import SOCKET
from tests.bridge.wire import packed, unpacked

SERVICES = ("airegistry.v1.RegistryService", "airegistry.v1.AnalyticsService", "airegistry.v1.GatewayService")


class BridgedCarrier:
    """A carrier for servers of this process. The pages are on the port of gRPC."""

    async def open(self, offer: Offer, tasks: asyncio.TaskGroup) -> "Bridged":
        if split_address(offer.address)[1] != 0 and not offer.shared:
            listen_on(offer.address, insecure=offer.insecure).close()
        kept = bind_shared(offer.address, insecure=offer.insecure)
        address = join_address(*kept.getsockname()[:2])
        folder = Path(tempfile.mkdtemp(prefix="bridge-"))
        plan = _plan(address, folder, offer.age)
        bridged = Bridged(address, folder, kept)
        carrier = EnvoyCarrier(Admin(admin_socket(plan)), listen=lambda: bridged.start(plan, carrier))
        try:
            bridged.carried = await carrier.open(offer, tasks)
        except BaseException:
            await bridged.kill()
            raise
        return bridged


class Bridged:
    """An offer behind an Envoy of its own."""

    carried: Carried

    def __init__(self, address: str, folder: Path, kept: Any) -> None:
        self.address = self.http_address = self.own_http_address = address
        self._folder = folder
        self._kept = kept
        self._process: Any = None
        self._server: Any = None
        self._bridge: _Bridge | None = None

    async def start(self, plan: Plan, app: Any) -> None:
        installed = find_envoy()
        socket = self._folder / "bridge.sock"
        connected = asyncio.get_running_loop().create_future()
        self._server = await asyncio.start_unix_server(lambda *both: connected.set_result(both), socket, limit=2**24)
        (self._folder / "envoy.json").write_text(json.dumps(bootstrap(plan)))
        self._process = subprocess.Popen(  # noqa: ASYNC220 - a moment
            [
                installed.program,
                "-c",
                self._folder / "envoy.json",
                "--concurrency",
                "1",
                "-l",
                "error",
                "--disable-hot-restart",
            ],
            env={**os.environ, **installed.environment, SOCKET: str(socket)},
            stdin=subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            self._bridge = _Bridge(app, *await connected)
            await Admin(admin_socket(plan)).ready()

    async def close(self, drain: float) -> None:
        try:
            await self.carried.close(drain)
        finally:
            await self.kill()

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        if self._bridge is not None:
            await self._bridge.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._kept.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Bridge:
    """Runs the application *app* for the calls that come from Envoy."""

    def __init__(self, app: Any, reader: Any, writer: Any) -> None:
        self._app = app
        self._writer = writer
        self._calls: dict[int, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = asyncio.ensure_future(self._read(reader))

    async def close(self) -> None:
        self._reading.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(self._reading, *self._tasks, return_exceptions=True)
        # Envoy is gone: nobody reads what was not sent.
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self, reader: Any) -> None:
        while True:
            what, number, value = await unpacked(reader)
            if what == "scope":
                task = asyncio.ensure_future(self._serve(number, value))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            elif (call := self._calls.get(number)) is not None:
                call.hear(what, *value)

    async def _serve(self, number: int, scope: Any) -> None:
        call = self._calls[number] = _Call(number, self._writer)
        try:
            await self._app(scope, call.receive, call.send)
        finally:
            del self._calls[number]
            self._writer.write(packed("over", number, None))


class _Call:
    """One call, and what it waits for: a final part of an answer is taken at once, though one before it still waits."""

    def __init__(self, number: int, writer: Any) -> None:
        self._number = number
        self._writer = writer
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._questions = count()

    def receive(self) -> Awaitable[Any]:
        return self._ask("receive", None)

    def send(self, event: Any) -> Awaitable[None]:
        return self._ask("send", event)

    def hear(self, what: str, question: int, value: Any) -> None:
        future = self._asked.pop(question)
        if future.done():
            return
        if what == "sent" and value is not None:
            future.set_exception(OSError(value))
            # Whoever does not wait for it need not be told.
            future.exception()
        else:
            future.set_result(value)

    def _ask(self, what: str, event: Any) -> Awaitable[Any]:
        question = next(self._questions)
        future = self._asked[question] = asyncio.get_running_loop().create_future()
        self._writer.write(packed(what, self._number, (question, event)))
        return future


def _plan(address: str, folder: Path, age: ConnectionAge | None) -> Plan:
    return Plan(
        app="tests.bridge.inside:app",
        addresses=(address,),
        pyvoy_module=find_envoy().pyvoy_module,
        folder=folder,
        services=SERVICES,
        pages=api_pages(SERVICES),
        reuse_port=True,
        max_connection_age=None if age is None else age.limit,
    )
