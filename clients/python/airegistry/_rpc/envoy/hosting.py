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
from airegistry._rpc.envoy.signals import Signals
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

    The program ends at a signal, or when its supervisor closes its standard input: new calls are refused, running ones may
    end, and then Envoy goes. A second signal ends the process at once.
    """

    # ASGI's own sign of its third version, where `__call__` is no coroutine function.
    _asgi_single_callable = True

    def __init__(self, program: Program[Any]) -> None:
        self._program = program
        # Kept to the very end: Python's handlers know its socket.
        self._signals: Signals | None = None
        self._admin: Admin | None = None
        self._carrier: EnvoyCarrier | None = None
        self._stopped = asyncio.Event()
        self._signalled = False
        self._ready = asyncio.Event()
        self._envoy_ends = False

    def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one call, one request, or the life of the process. No coroutine of our own: each stream would hold it."""
        if scope["type"] == "lifespan":
            # Nothing else of ours is called on Envoy's main thread.
            self._signals = Signals()
            return self._live(self._signals, receive, send)
        carrier = self._carrier
        return self._serve_later(scope, receive, send) if carrier is None else carrier(scope, receive, send)

    async def _serve_later(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve it once the signals are ours. When the program has ended it is left without an answer: Envoy's end cuts it."""
        await self._ready.wait()
        if self._carrier is not None:
            await self._carrier(scope, receive, send)

    async def _live(self, signals: Signals, receive: Receive, send: Send) -> None:
        await receive()
        signals.hear(self._hear)
        serving = asyncio.Event()
        living = asyncio.create_task(self._run(signals, serving))
        await asyncio.wait([living, asyncio.ensure_future(serving.wait())], return_when=asyncio.FIRST_COMPLETED)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        # Unless we asked for it, a signal came before we had them, or somebody told Envoy by its admin pages. Its main thread waits
        # for us, and answers nothing.
        self._envoy_ends = True
        if self._admin is not None:
            self._admin.leave()
        self._stopped.set()
        await asyncio.wait([living])
        await send({"type": "lifespan.shutdown.complete"})

    def _hear(self, number: signal.Signals) -> None:
        if self._signalled:
            # Asked twice: whoever asks does not want to wait for calls to finish.
            _exit(128 + number)
        self._signalled = True
        self._stopped.set()

    async def _run(self, signals: Signals, serving: asyncio.Event) -> None:
        """Run the program until it is let go; then, or when it fails, end this process."""
        name = self._program.name
        try:
            await self._serve(signals, serving)
        except StartError as error:
            if self._envoy_ends:
                return
            sys.stderr.write(f"{name}: {error}\n")
            _exit(error.exit_code)
        except Exception:
            log.exception("%s failed", name)
            _exit(1)
        if not self._envoy_ends:
            self._carrier = None
            # What came before that is refused now, as long as there is an Envoy to hand it to.
            await asyncio.sleep(0)
            signals.give_back()
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self, signals: Signals, serving: asyncio.Event) -> None:
        told = json.loads(os.environ.pop(HOSTED))
        seat = Seat.taken_from(os.environ)
        config = read_settings(self._program.settings, self._program.name, told["arguments"])
        fields = {"worker": seat.index} if seat is not None and config.post.count > 1 else {}
        configure_logs(config.log_level, config.log_format, fields=fields)
        if seat is not None:
            self._hold(config.post.drain)
        here = seat or Seat(0, config.post.address, config.post.address)
        self._admin = admin = Admin(Path(told["admin"]))
        folders.hold(admin.folder.parent)

        async def listen() -> None:
            serving.set()
            await admin.ready()
            signals.take()
            self._carrier = carrier
            self._ready.set()

        carrier = EnvoyCarrier(admin, listen)
        seated = config.seated(here.address, here.http_address)
        async with looked_after(config.tls, admin.folder), self._program.serve(seated, carrier):
            spare_collections()
            if seat is not None:
                seat.announce()
            await self._stopped.wait()

    def _hold(self, drain: float) -> None:
        """Stop when the supervisor lets go."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(self._stopped.set)

        when_let_go(stop, patience=drain + _CLOSING)


def _exit(code: int) -> None:
    """End this process, which serves nobody any more, with an exit code that Envoy would not give it."""
    sys.stderr.flush()
    os._exit(code)
