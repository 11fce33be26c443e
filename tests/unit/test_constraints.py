import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("constraints*.txt"))
REQUIREMENT = re.compile(r"(?P<name>[a-z0-9.-]+)==\S+( ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def name(lock: Path) -> str:
    return lock.name


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_constraints_hold_versions_and_hashes_and_nothing_else(lock):
    lines = [line for line in lock.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    strangers = [line for line in lines if not REQUIREMENT.fullmatch(line) and not HASH.fullmatch(line)]
    assert lines
    assert strangers == []


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_constraints_name_no_index_and_no_machine(lock):
    assert re.findall(r"https?:|file:|--index|--find-links|/(?:home|root|tmp|opt)/", lock.read_text()) == []


def test_what_tests_add_agrees_with_what_runs():
    runtime, dev = (
        dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("constraints.txt", "constraints-dev.txt")
    )
    assert {key: dev[key] for key in dev.keys() & runtime.keys()} == {
        key: runtime[key] for key in dev.keys() & runtime.keys()
    }


def test_buf_is_locked_for_every_platform_and_names_no_registry():
    lock = (ROOT / "tools/buf/package-lock.json").read_text()
    assert "http" not in lock
    assert set(re.findall(r"node_modules/@bufbuild/buf-(\w+)-", lock)) == {
        "darwin",
        "linux",
        "win32",
    }
