"""Run the tests in two passes: those that mostly wait side by side, then those that measure with nothing beside them.

Run by `make test`, with what goes to pytest in both passes. The reports are in build/tests, with the seconds of every test.
"""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

REPORTS = Path("build/tests")
# Two for each core: they wait for timers and for processes half of the time.
WORKERS = min(8, 2 * (os.cpu_count() or 1))
PASSES = {
    # A file stays together, for what its tests share; the files with the longest tests come first as they are found.
    "side by side": ("-m", "not alone", f"--numprocesses={WORKERS}", "--dist=loadfile", "--no-loadscope-reorder"),
    "alone": ("-m", "alone"),
}
PASSED, FAILED, NONE_FOUND = 0, 1, 5
"""How pytest ends; anything else is a reason to stop at once."""


def run(options: tuple[str, ...], arguments: list[str]) -> int:
    """Run pytest and return how it ended. Ctrl-C reaches it too, and it cleans up before it ends."""
    pytest = Path(sys.executable).with_name("pytest")
    with subprocess.Popen([str(pytest), *options, *arguments]) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def told(report: Path) -> str:
    """Return what a report says of a pass, in a line."""
    suite = next(ET.parse(report).iter("testsuite"))  # noqa: S314 - we wrote it a moment ago
    counts = {what: int(suite.get(what, 0)) for what in ("failures", "errors", "skipped")}
    passed = int(suite.get("tests", 0)) - sum(counts.values())
    minutes, seconds = divmod(round(float(suite.get("time", 0))), 60)
    others = "".join(f", {count} {what}" for what, count in counts.items() if count)
    return f"{passed} passed{others} in {minutes}:{seconds:02}"


def main(arguments: list[str]) -> int:
    REPORTS.mkdir(parents=True, exist_ok=True)
    ends, codes = [], []
    for name, options in PASSES.items():
        report = REPORTS / f"{name.replace(' ', '-')}.xml"
        code = run((*options, f"--junitxml={report}"), arguments)
        if code not in {PASSED, FAILED, NONE_FOUND}:
            return code
        codes.append(code)
        ends.append(f"{name}: {told(report)}")
    print("\n" + "; ".join(ends))
    if set(codes) == {NONE_FOUND}:
        return NONE_FOUND
    return FAILED if FAILED in codes else PASSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
