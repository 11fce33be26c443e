"""A server program inside Envoy, as an ASGI application: it starts and ends with Envoy, and drains when it is let go."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Coroutine, MutableMapping
from pathlib import Path
from typing import Any

from airegistry._rpc.carrier import Receive, Send
from airegistry._rpc.envoy import folders
from airegistry._rpc.envoy.admin import Admin
from airegistry._rpc.envoy.carrier import EnvoyCarrier
from airegistry._rpc.envoy.certificates import looked_after
from airegistry._rpc.envoy.launching import HOSTED
from airegistry._rpc.lifeline import when_let_go
from airegistry._rpc.logs import configure_logs
from airegistry._rpc.process import StartError, spare_collections
from airegistry._rpc.program import Program
from airegistry._rpc.seat import Seat
from airegistry._rpc.settings import read_settings

log = logging.getLogger(__name__)

# Beyond the drain time, for what else there is to close.
_CLOSING = 5.0


class Hosted:
    """Serves *program* with what its command line and the environment say.

    The program ends when its standard input is closed: new calls are refused, running ones may end, and then Envoy goes.
    An end by a signal to Envoy itself cuts all calls, and only then closes the program.
    """

    # ASGI's own sign of its third version, where `__call__` is no coroutine function.
    _asgi_single_callable = True

    def __init__(self, program: Program[Any]) -> None:
        self._program = program
        self._carrier: EnvoyCarrier | None = None
        self._stopped = asyncio.Event()
        self._envoy_ends = False

    def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one call, one request, or the life of the process. No coroutine of our own: each stream would hold it."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        carrier = self._carrier
        assert carrier is not None  # noqa: S101 - Envoy listens when the carrier says so
        return carrier(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        serving = asyncio.Event()
        living = asyncio.create_task(self._run(serving))
        await asyncio.wait([living, asyncio.ensure_future(serving.wait())], return_when=asyncio.FIRST_COMPLETED)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._envoy_ends = True
        self._stopped.set()
        await asyncio.wait([living])
        await send({"type": "lifespan.shutdown.complete"})

    async def _run(self, serving: asyncio.Event) -> None:
        """Run the program until it is let go; then, or when it fails, end this process."""
        name = self._program.name
        try:
            await self._serve(serving)
        except StartError as error:
            sys.stderr.write(f"{name}: {error}\n")
            _exit(error.exit_code)
        except Exception:
            log.exception("%s failed", name)
            _exit(1)
        if not self._envoy_ends:
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self, serving: asyncio.Event) -> None:
        told = json.loads(os.environ.pop(HOSTED))
        seat = Seat.taken_from(os.environ)
        config = read_settings(self._program.settings, self._program.name, told["arguments"])
        fields = {"worker": seat.index} if seat is not None and config.post.count > 1 else {}
        configure_logs(config.log_level, config.log_format, fields=fields)
        if seat is not None:
            self._hold(config.post.drain)
        here = seat or Seat(0, config.post.address, config.post.address)
        admin = Admin(Path(told["admin"]))
        folders.hold(admin.folder.parent)

        async def listen() -> None:
            serving.set()
            await admin.ready()

        self._carrier = EnvoyCarrier(admin, listen)
        seated = config.seated(here.address, here.http_address)
        async with looked_after(config.tls, admin.folder), self._program.serve(seated, self._carrier):
            spare_collections()
            if seat is not None:
                seat.announce()
            await self._stopped.wait()

    def _hold(self, drain: float) -> None:
        """Stop when the supervisor lets go; without one, Envoy alone says when."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(self._stopped.set)

        when_let_go(stop, patience=drain + _CLOSING)


def _exit(code: int) -> None:
    """End this process, which serves nobody any more, with an exit code that Envoy would not give it."""
    sys.stderr.flush()
    os._exit(code)
