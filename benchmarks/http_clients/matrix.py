"""What each client can do, tried: prints a table in Markdown. With a name: tries that one, and prints what it saw as JSON."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.http_clients import envoy_trials, way_trials, wire_trials
from benchmarks.http_clients.clients import NAMES, open_client, title
from benchmarks.http_clients.clients.port import UnsupportedError
from benchmarks.http_clients.loops import see_extra

_TRIALS = {**wire_trials.TRIALS, **way_trials.TRIALS}
_LONGEST = 20.0


async def tried(name: str) -> dict[str, str]:
    """Return what each trial saw of a client."""
    see_extra()
    return {what: await _one(name, what) for what in _TRIALS}


async def _one(name: str, what: str) -> str:
    try:
        async with asyncio.timeout(_LONGEST):
            return await _TRIALS[what](partial(open_client, name))
    except UnsupportedError as error:
        return f"no: {error}"
    except TimeoutError:
        return f"hangs for {_LONGEST:.0f} s"
    except Exception as error:  # noqa: BLE001 - it is what was seen
        return f"{type(error).__name__}"


def _by_itself(name: str) -> dict[str, str]:
    """Try a client in a process of its own, so that none is in another's way."""
    command = [sys.executable, "-m", "benchmarks.http_clients.matrix", name]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    seen: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return seen


def main() -> None:
    see_extra()
    names = [name for name in NAMES if "bounded" not in name]
    seen = {name: _by_itself(name) for name in names}
    print(f"| tried | {' | '.join(title(name) for name in names)} |")
    print(f"|---|{'---|' * len(names)}")
    for what in _TRIALS:
        print(f"| {what} | {' | '.join(seen[name][what] for name in names)} |")
    print("\n| tried | Envoy, by pyvoy |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for what, how in uvloop.run(envoy_trials.tried(Path(folder))).items():
            print(f"| {what} | {how} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(uvloop.run(tried(sys.argv[1]))))
    else:
        main()
