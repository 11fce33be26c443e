"""The provider and the callers, in Go: both take a few microseconds per call, on the core that the server does not use."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.gateway.subjects import Subject
from benchmarks.processes import Server, free_port, pinned, program

SERVER_CORE, CALLER_CORE = 0, 1
WORDS = 100
"""How many words, each a token, an answer has; the callers count them."""

_HERE = Path(__file__).parent / "traffic"
_BUILT = Path(__file__).parents[2] / "build" / "benchmarks" / "traffic"
_SPARE = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """Who calls how: at once as many as *callers* can, or, with a *rate*, each at its turn."""

    model: str
    stream: bool
    callers: int
    seconds: float
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of it: whole answers, and the middle and the 99th percentile of the times, in milliseconds."""

    answers: int
    seconds: float
    cpu_seconds: float
    first: tuple[float, float]
    whole: tuple[float, float]

    @property
    def per_second(self) -> float:
        """Return the answers per second of the clock."""
        return self.answers / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Return the answers per second of the server's processor time: what a core of its own would give."""
        return self.answers / self.cpu_seconds if self.cpu_seconds else 0.0


@contextmanager
def provider() -> Iterator[Server]:
    """Run the provider."""
    port = free_port()
    with ExitStack() as stack:
        # Not for longer than it starts: what is started after it has a core of its own.
        with pinned(CALLER_CORE):
            server = stack.enter_context(program([_program(), "provide", "-port", str(port)], port, {}))
        yield server


def call(subject: Subject, load: Load) -> Tally:
    """Call as *load* says. RuntimeError when an answer is not whole: who drops work is not fast."""
    command = [
        *(_program(), "call", "-address", subject.address, "-grpc", subject.method(stream=load.stream)),
        *("-request", base64.b64encode(subject.request(load.model, stream=load.stream)).decode()),
        *("-callers", str(load.callers), "-seconds", str(load.seconds), "-rate", str(load.rate)),
    ]
    used = _cpu(subject)
    with pinned(CALLER_CORE):
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=load.seconds + _SPARE)
    used = _cpu(subject) - used
    told = json.loads(run.stdout)
    if told["failed"] or not told["answers"]:
        raise RuntimeError(f"{subject.name}: {told['failed']} of {told['answers']} calls failed: {told['why']}")
    return Tally(told["answers"], told["seconds"], used, tuple(told["first"]), tuple(told["whole"]))


def _cpu(subject: Subject) -> float:
    return subject.server.cpu_seconds() if subject.server is not None else 0.0


@cache
def _program() -> str:
    if (go := shutil.which("go")) is None:
        raise RuntimeError("the callers are a Go program, and there is no Go here")
    subprocess.run([go, "build", "-buildvcs=false", "-o", str(_BUILT), "."], cwd=_HERE, check=True)
    return str(_BUILT)
