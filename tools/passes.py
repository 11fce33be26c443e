"""Run the tests in two passes: those that mostly wait side by side, then those that are judged by the clock, alone.

Run by `make test`, with what goes to pytest in every pass. With `--smoke` before that a third one runs the contract of the
registry, and what else calls and connections promise, on the second carrier. The reports are in build/tests, with the
seconds of every test.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

REPORTS = Path("build/tests")
# Two for each core: half of the time they wait for timers and for processes.
WORKERS = min(8, 2 * (os.cpu_count() or 1))
# A file stays on one worker, for what its tests share; the short ones, in tests/unit, are found last.
SIDE_BY_SIDE = ("-m", "not alone", f"--numprocesses={WORKERS}", "--dist=loadfile", "--no-loadscope-reorder")
PASSES = {"side by side": SIDE_BY_SIDE, "alone": ("-m", "alone")}
INSIDE_ENVOY = "inside Envoy"
SMOKE = (
    "tests/contract/test_registry_leases.py",
    "tests/contract/test_registry_reads.py",
    "tests/contract/test_registry_watches.py",
    "tests/contract/test_registry_writes.py",
    "tests/faults/test_connections.py",
    "tests/integration/test_gateway_rpcs.py",
    "tests/integration/test_gateway_wire.py",
    "tests/integration/test_half_closed_calls.py",
    "tests/integration/test_registry_process.py",
    "tests/integration/test_registry_watch_slow.py",
)
PASSED, FAILED, NONE_FOUND = 0, 1, 5
"""How pytest ends when it was not stopped."""
COUNTED = {"failures": "failed", "errors": "errors", "skipped": "skipped"}


def run(options: tuple[str, ...], arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run pytest and return how it ended. Ctrl-C reaches it too, and it cleans up before it ends."""
    pytest = Path(sys.executable).with_name("pytest")
    with subprocess.Popen([str(pytest), *options, *arguments], env={**os.environ, **environment}) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def told(report: Path) -> str:
    """Return what a report says of a pass, in a line."""
    suite = next(ET.parse(report).iter("testsuite"))  # noqa: S314 - we wrote it a moment ago
    counts = {word: int(suite.get(what, 0)) for what, word in COUNTED.items()}
    passed = int(suite.get("tests", 0)) - sum(counts.values())
    minutes, seconds = divmod(round(float(suite.get("time", 0))), 60)
    others = "".join(f", {count} {word}" for word, count in counts.items() if count)
    return f"{passed} passed{others} in {minutes}:{seconds:02}"


def stopped(code: int) -> bool:
    """Say whether pytest ended before it had run the tests: by Ctrl-C, or because it was called wrongly."""
    return code not in {PASSED, FAILED, NONE_FOUND}


def both(codes: Collection[int]) -> int:
    """Return how the passes ended together. One of them may find no test, where only some are asked for."""
    if set(codes) == {NONE_FOUND}:
        return NONE_FOUND
    return FAILED if FAILED in codes else PASSED


def main(arguments: list[str]) -> int:
    REPORTS.mkdir(parents=True, exist_ok=True)
    codes, ends = [], []
    passes = dict(PASSES)
    if arguments[:1] == ["--smoke"]:
        arguments = arguments[1:]
        passes[INSIDE_ENVOY] = (*SIDE_BY_SIDE, *SMOKE)
    for name, options in passes.items():
        report = REPORTS / f"{name.replace(' ', '-').lower()}.xml"
        carrier = {"CARRIER": "envoy"} if name == INSIDE_ENVOY else {}
        code = run((*options, f"--junitxml={report}"), arguments, carrier)
        if stopped(code):
            return code
        codes.append(code)
        ends.append(f"{name}: {told(report)}")
    print("\n" + "; ".join(ends))
    return both(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
