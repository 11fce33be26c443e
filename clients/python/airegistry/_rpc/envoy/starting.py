"""How Envoy is started with a program inside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from airegistry._rpc.edge_settings import EdgeSettings
from airegistry._rpc.envoy import certificates
from airegistry._rpc.envoy.installed import Installed, find_envoy
from airegistry._rpc.envoy.launching import launch
from airegistry._rpc.envoy.planning import plan_of, shared, write
from airegistry._rpc.post import Post
from airegistry._rpc.program import Program
from airegistry._rpc.seat import Seat
from airegistry._rpc.workers import Start, Starting


@contextmanager
def envoys(program: Program[Any], config: EdgeSettings, arguments: Sequence[str]) -> Iterator[tuple[Post, Starting]]:
    """Lend where Envoys with *program* inside serve, and how each is started; StartError without the extra."""
    installed, post = find_envoy(), config.post
    if config.tls is not None:
        certificates.check(config.tls)
    with tempfile.TemporaryDirectory(prefix=f"airegistry-{program.name}-") as folder:
        # Alone it has everything on the one port; of several, each has its own for metrics and health.
        shown = post if post.count > 1 else replace(post, http_address="")
        yield shown, _Envoys(installed, program, config, arguments, Path(folder)).start


@dataclass(frozen=True, slots=True)
class _Envoys:
    installed: Installed
    program: Program[Any]
    config: EdgeSettings
    arguments: Sequence[str]
    folder: Path

    def start(self, seat: Seat) -> Start:
        """Write the configuration of the Envoy on *seat*, and return how it is started."""
        folder = self.folder / str(seat.index)
        folder.mkdir(exist_ok=True)
        # The supervisor keeps the port by a socket of its own.
        alone = plan_of(self.program, self.config, self.installed, folder)
        plan = shared(alone, (seat.address, seat.http_address))
        started = launch(self.installed, plan, write(plan), self.arguments, self.config.log_level)
        return Start(started.command, {**os.environ, **started.environment}, leashed=True)
