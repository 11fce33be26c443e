"""The command and the environment that start an Envoy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from airegistry._rpc.envoy.bootstrap import admin_socket
from airegistry._rpc.envoy.installed import Installed
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.plain_logs import LogLevel

# No setting: only who starts Envoy sets it.
HOSTED = "AIREGISTRY_HOSTED"
"""The variable that tells the program inside, as JSON, its command line and the socket of the admin pages."""

# Envoy says less than we do at the same level's name: its warnings are about each end of a process.
_LEVELS: Mapping[LogLevel, str] = {"debug": "info", "info": "error", "warning": "error", "error": "critical"}

# One thread: the program has no more than one either. The access log waits for no more than a second.
_ALWAYS = ("--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "1000")


@dataclass(frozen=True, slots=True)
class Launch:
    """How an Envoy is started: its command, and what its environment needs beyond the usual."""

    command: Sequence[str]
    environment: Mapping[str, str]


def launch(installed: Installed, plan: Plan, start: Path, arguments: Sequence[str], level: LogLevel) -> Launch:
    """Return how the Envoy of *plan* is started with the file *start*; the program inside gets *arguments*."""
    told = {"arguments": list(arguments), "admin": str(admin_socket(plan))}
    command = [str(installed.program), "-c", str(start), "-l", _LEVELS[level], *_ALWAYS]
    return Launch(command, {**installed.environment, HOSTED: json.dumps(told)})
