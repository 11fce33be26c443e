"""How a process becomes the one that keeps Envoys with a program inside."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from airegistry._rpc import lifeline
from airegistry._rpc.edge_settings import EdgeSettings
from airegistry._rpc.envoy.folders import make, sweep
from airegistry._rpc.envoy.installed import Installed, find_envoy
from airegistry._rpc.envoy.keeper import Kept, remove
from airegistry._rpc.envoy.launching import launch
from airegistry._rpc.envoy.planning import check, plan_of, shared, write
from airegistry._rpc.program import Program
from airegistry._rpc.seat import Seat
from airegistry._rpc.workers import take_stand


def become_keeper(program: Program[Any], config: EdgeSettings, arguments: Sequence[str]) -> NoReturn:
    """Prepare Envoys and go on as their keeper; StartError when they cannot be prepared.

    It is this process still, with its id and its lifeline, but without all that reading settings and writing
    configurations brought in: the keeper lives as long as the Envoys, and shall be small.
    """
    installed, post = find_envoy(), config.post
    check(config)
    stand = take_stand(post.on_one_port)
    sweep(program.name)
    folder = make(program.name)
    try:
        envoys = _Envoys(installed, program, config, arguments, folder)
        kept = Kept(
            name=program.name,
            drain=post.drain,
            log_level=config.log_level,
            log_format=config.log_format,
            sockets=[os.dup(kept.fileno()) for kept in stand.kept],
            leash=lifeline.patience(),
            workers=[{"seat": asdict(seat), **envoys.prepare(seat)} for seat in stand.seats],
        )
        file = folder / "keeper.json"
        file.write_text(json.dumps(asdict(kept)))
        for each in kept.sockets:
            os.set_inheritable(each, True)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, "-m", "airegistry._rpc.envoy.keeper", str(file)])  # noqa: S606 - ourselves
    except BaseException:
        remove(folder)
        raise


@dataclass(frozen=True, slots=True)
class _Envoys:
    installed: Installed
    program: Program[Any]
    config: EdgeSettings
    arguments: Sequence[str]
    folder: Path

    def prepare(self, seat: Seat) -> Mapping[str, Any]:
        """Write the configuration of the Envoy on *seat*, and return how it is started."""
        folder = self.folder / str(seat.index)
        folder.mkdir()
        # The keeper keeps the port by a socket of its own.
        plan = shared(plan_of(self.program, self.config, self.installed, folder), (seat.address, seat.http_address))
        return asdict(launch(self.installed, plan, write(plan), self.arguments, self.config.log_level))
