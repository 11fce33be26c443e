"""The workers of one gateway, who pass on what callers say of answers: each knows only those that it gave itself."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from grpc import aio

from airegistry._rpc.aio_server import SERVER_OPTIONS, add_service
from airegistry._rpc.metrics import CallMetrics
from airegistry.client import GatewayClient
from airegistry.errors import DeadlineExceededError, NotFoundError, RegistryError, UnavailableError
from airegistry.invoke import Engine
from airegistry.learning.feedback import ReportFeedbackRequest, ReportFeedbackResponse
from gateway.rpc.service import gateway_service

log = logging.getLogger(__name__)

_WAIT = 2.0
_SOCKET = re.compile(r"(\d+)\.sock")


class Siblings:
    """What callers say, brought to the worker that it is about: *engine* is ours, the others have sockets in *folder*."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._clients: dict[Path, GatewayClient] = {}

    async def report(self, feedback: ReportFeedbackRequest) -> ReportFeedbackResponse:
        """Learn from what a caller says of an answer of any worker, as `Engine.report_feedback` does.

        Raises UnavailableError when nobody knows the call, but somebody did not say so in time.
        """
        try:
            return self._engine.report_feedback(feedback)
        except NotFoundError:
            clients = await self._others()
            replies = await asyncio.gather(*(_asked(client, feedback) for client in clients))
            for reply in replies:
                if isinstance(reply, ReportFeedbackResponse):
                    return reply
            if any(isinstance(reply, DeadlineExceededError) for reply in replies):
                raise UnavailableError(
                    "a worker of this gateway does not answer; it may be the one that knows"
                ) from None
            raise

    async def close(self) -> None:
        """Close the connections to the others."""
        for client in self._clients.values():
            await client.close()

    async def _others(self) -> list[GatewayClient]:
        there = {path for path in _sockets(self._folder) if path != _own(self._folder)}
        for gone in self._clients.keys() - there:
            await self._clients.pop(gone).close()
        for new in there - self._clients.keys():
            self._clients[new] = GatewayClient(f"unix:{new}")
        return list(self._clients.values())


@asynccontextmanager
async def open_siblings(engine: Engine, address: str) -> AsyncIterator[Siblings | None]:
    """Lend the workers that share *address*, and be one of them; None when they cannot meet, which is logged."""
    folder = Path(tempfile.gettempdir()) / f"airegistry-workers-{os.getuid()}-{re.sub(r'[^0-9a-z.]', '-', address)}"
    server = aio.server(options=SERVER_OPTIONS)
    # Calls that come from a sibling were counted there.
    add_service(server, gateway_service(engine), CallMetrics())
    try:
        _prepare(folder)
        server.add_insecure_port(f"unix:{_own(folder)}")
    except (OSError, RuntimeError) as error:
        log.warning("feedback reaches only the worker that answered: cannot use %s: %s", folder, error)
        yield None
        return
    await server.start()
    siblings = Siblings(engine, folder)
    try:
        yield siblings
    finally:
        await siblings.close()
        await server.stop(_WAIT)
        _own(folder).unlink(missing_ok=True)
        # The last one.
        with suppress(OSError):
            folder.rmdir()


async def _asked(client: GatewayClient, feedback: ReportFeedbackRequest) -> ReportFeedbackResponse | RegistryError:
    try:
        return await client.report_feedback(feedback, deadline=_WAIT)
    except RegistryError as error:
        return error


def _prepare(folder: Path) -> None:
    """Make the folder, which nobody else may look into, without what workers left that were killed."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        raise PermissionError("it is somebody else's")
    for path, pid in _sockets(folder).items():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except PermissionError:
            pass


def _sockets(folder: Path) -> dict[Path, int]:
    return {path: int(found[1]) for path in folder.iterdir() if (found := _SOCKET.fullmatch(path.name))}


def _own(folder: Path) -> Path:
    return folder / f"{os.getpid()}.sock"
