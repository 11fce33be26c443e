"""How Envoy is started with a program inside it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from airegistry._rpc.envoy.bootstrap import admin_socket, bootstrap
from airegistry._rpc.envoy.installed import Installed, find_envoy
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.transcoding import api_pages
from airegistry._rpc.post import Post
from airegistry._rpc.program import Program
from airegistry._rpc.seat import Seat
from airegistry._rpc.settings import ProgramSettings
from airegistry._rpc.workers import Start, Starting

# No setting: only who starts Envoy sets it.
HOSTED = "AIREGISTRY_HOSTED"
"""The variable that tells the program inside, as JSON, its command line and the socket of the admin pages."""

# Envoy says less than we do at the same level's name: its warnings are about each end of a process.
_LEVELS = {"debug": "info", "info": "error", "warning": "error", "error": "critical"}


@contextmanager
def envoys(program: Program[Any], config: ProgramSettings, arguments: Sequence[str]) -> Iterator[tuple[Post, Starting]]:
    """Lend where Envoys with *program* inside serve, and how each is started; StartError without the extra."""
    installed, post = find_envoy(), config.post
    with tempfile.TemporaryDirectory(prefix=f"airegistry-{program.name}-") as folder:
        # Alone it has everything on the one port; of several, each has its own for metrics and health.
        shown = post if post.count > 1 else replace(post, http_address="")
        yield shown, _Envoys(installed, program, config, arguments, Path(folder)).start


@dataclass(frozen=True, slots=True)
class _Envoys:
    installed: Installed
    program: Program[Any]
    config: ProgramSettings
    arguments: Sequence[str]
    folder: Path

    def start(self, seat: Seat) -> Start:
        """Write the configuration of the Envoy on *seat*, and return how it is started."""
        folder = self.folder / str(seat.index)
        folder.mkdir(exist_ok=True)
        plan = self._plan(seat, folder)
        # Too long for a command line.
        configuration = folder / "envoy.json"
        configuration.write_text(json.dumps(bootstrap(plan)))
        level = _LEVELS[self.config.log_level]
        command = [str(self.installed.program), "-c", str(configuration), "--concurrency", "1", "-l", level]
        told = {"arguments": list(self.arguments), "admin": str(admin_socket(plan))}
        environment = {**os.environ, **self.installed.environment, HOSTED: json.dumps(told)}
        return Start([*command, "--disable-hot-restart"], environment, leashed=True)

    def _plan(self, seat: Seat, folder: Path) -> Plan:
        return Plan(
            app=self.program.hosted,
            # In this order, and each once.
            addresses=tuple(dict.fromkeys((seat.address, seat.http_address))),
            pyvoy_module=self.installed.pyvoy_module,
            folder=folder,
            services=self.program.services,
            pages=api_pages(self.program.services),
            # The supervisor keeps the port by a socket of its own.
            reuse_port=True,
        )
