"""The programs that play a scenario, each as a command, and what of their outcomes can be compared."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.clients.scenario import Step

ROOT = Path(__file__).resolve().parents[3]
NODE_PROGRAM = ROOT / "clients/web/dist/node.js"

# What differs from run to run. Whether it is there is compared all the same.
_VOLATILE = frozenset(
    (
        *("callId", "createTime", "duration", "etag", "nextPageToken", "resumeToken"),
        *("timeToFirstToken", "uid", "updateTime"),
    )
)
_OWN = re.compile(r"(?<=127\.0\.0\.1:)\d+|(?<=the newest is )\d+")
"""Ports and revisions in messages."""
_BY_THE_CLIENT = {1, 4}
"""CANCELLED and DEADLINE_EXCEEDED: each library has its own words for what it ends itself."""


@dataclass(frozen=True)
class Program:
    """A client as a command; it reads steps and writes what came of them. `web`: it needs gRPC-Web."""

    name: str
    command: Sequence[str]
    web: bool = False

    async def outcomes(self, steps: Sequence[Step], registry: str, gateway: str) -> list[dict[str, Any]]:
        """Return what comes of *steps*."""
        process = await asyncio.create_subprocess_exec(
            *(word.format(registry=registry, gateway=gateway) for word in self.command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(60):
                said, complaints = await process.communicate(json.dumps(steps).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, complaints.decode()
        return [json.loads(line) for line in said.splitlines()]


def node(kind: str, *, web: bool = False) -> Program:
    """Return Node with one of the ways in which clients/web/scenario calls."""
    return Program(kind, ("node", str(NODE_PROGRAM), kind, "{registry}", "{gateway}"), web)


def go(program: Path) -> Program:
    """Return the program that was built of clients/go/scenario."""
    return Program("go", (str(program), "-registry", "{registry}", "-gateway", "{gateway}"))


def build_go(into: Path) -> Path:
    """Build clients/go/scenario; Go must be there."""
    program = into / "scenario"
    compiler = shutil.which("go")
    assert compiler is not None
    subprocess.run([compiler, "build", "-o", str(program), "./scenario"], cwd=ROOT / "clients/go", check=True)
    return program


def comparable(outcomes: Sequence[Mapping[str, Any]], by: str) -> list[dict[str, Any]]:
    """Return the outcomes of a client, whose providers were named *by*, without what differs from run to run."""
    start = int(outcomes[0]["messages"][0]["revision"])
    return [_comparable(outcome, by, start) for outcome in outcomes]


def _comparable(outcome: Mapping[str, Any], by: str, start: int) -> dict[str, Any]:
    kept = _Stillness(by, start).of(outcome)
    if outcome["code"] in _BY_THE_CLIENT:
        del kept["message"], kept["details"]
    if outcome["name"] == "leave a stream":
        # What had come by then is chance.
        del kept["messages"]
    if outcome["name"] in {"stream", "stream what is cut"}:
        # And so is how the pieces are spread over messages.
        kept["messages"] = _joined([event for message in kept["messages"] for event in message["events"]])
    return dict(kept)


def _joined(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    deltas = [event["chatDelta"] for event in events if "chatDelta" in event]
    return {
        "text": "".join(delta.get("text", "") for delta in deltas),
        "others": [event for event in events if "chatDelta" not in event],
    }


@dataclass(frozen=True)
class _Stillness:
    """Values with the provider's name, ports and revisions as any client's are."""

    by: str
    start: int

    def of(self, value: Any, key: str = "") -> Any:
        match value:
            case _ if key in _VOLATILE:
                return "…"
            case list():
                return [self.of(one) for one in value]
            case dict():
                # The epoch is absent until somebody was measured.
                return {key: self.of(one, key) for key, one in value.items() if key != "observationEpoch"}
            case str() if key in {"revision", "current_revision"}:
                return int(value) - self.start
            case str():
                return _OWN.sub("…", value).replace(self.by, "…")
        return value
