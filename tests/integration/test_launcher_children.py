"""Processes that are started in order, watched, and stopped in the reverse order."""

import asyncio
import os
import sys
import time

import psutil
import pytest

from launcher import children
from launcher.children import ChildDiedError, Children

# Notes in a file that it is ready, and that it was asked to stop.
OBEDIENT = """
import pathlib, signal, sys, time
notes = pathlib.Path(sys.argv[1])
def note(text):
    with notes.open("a") as file: file.write(f"{__spec__.name} {text}\\n")
def stop(*_):
    note("stops")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("ready")
time.sleep(60)
"""
STUBBORN = OBEDIENT.replace("    sys.exit(0)\n", "")
FAILING = "import sys\nprint('about to fail')\nsys.exit('no good reason')\n"


@pytest.fixture
def modules(tmp_path):
    """Make Python modules that can be started; return the environment that finds them."""

    def make(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
        return os.environ | {"PYTHONPATH": str(tmp_path)}

    return make


async def until(notes, *wanted):
    """Wait for another process, of which nothing but the file can be watched."""
    while not notes.exists() or not set(wanted) <= set(notes.read_text().splitlines()):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_the_last_started_stops_first_and_the_next_only_when_it_is_gone(tmp_path, modules):
    notes = tmp_path / "notes"
    started = Children(tmp_path)
    environment = modules(first=OBEDIENT, second=OBEDIENT)
    for name in ("first", "second"):
        await started.start(name, [name, str(notes)], environment)
    await until(notes, "first ready", "second ready")
    await started.stop()
    assert notes.read_text().splitlines()[-2:] == ["second stops", "first stops"]


async def test_what_does_not_stop_in_time_is_killed(tmp_path, modules, monkeypatch):
    # For as long as it may take until it was heard.
    monkeypatch.setattr(children, "STOPPING", 4.0)
    notes = tmp_path / "notes"
    started = Children(tmp_path)
    child = await started.start("stubborn", ["stubborn", str(notes)], modules(stubborn=STUBBORN))
    await until(notes, "stubborn ready")
    await started.stop()
    assert "stubborn stops" in notes.read_text()
    assert not psutil.pid_exists(child.process.pid)


async def test_a_second_wish_to_stop_kills_at_once(tmp_path, modules):
    notes = tmp_path / "notes"
    started = Children(tmp_path)
    child = await started.start("stubborn", ["stubborn", str(notes)], modules(stubborn=STUBBORN))
    await until(notes, "stubborn ready")
    stopping = asyncio.create_task(started.stop())
    await until(notes, "stubborn stops")
    begun = time.monotonic()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert time.monotonic() - begun < children.STOPPING / 2
    assert not psutil.pid_exists(child.process.pid)


async def test_a_death_is_told_with_the_last_lines(tmp_path, modules):
    started = Children(tmp_path)
    child = await started.start("failing", ["failing"], modules(failing=FAILING))
    await child.process.wait()
    error = ChildDiedError(child)
    assert "the failing ended by itself (exit code 1)" in str(error)
    assert str(error).endswith("  about to fail\n  no good reason")
    await started.stop()


async def test_one_that_is_started_again_keeps_its_place_and_its_log(tmp_path, modules):
    notes = tmp_path / "notes"
    started = Children(tmp_path)
    environment = modules(
        first=OBEDIENT.replace('note("ready")', 'print("hello", flush=True); note("ready")'), second=OBEDIENT
    )
    first, second = [await started.start(name, [name, str(notes)], environment) for name in ("first", "second")]
    await until(notes, "first ready", "second ready")
    first.process.kill()
    await first.process.wait()
    assert first.ending == "killed by SIGKILL"
    notes.unlink()
    await started.start_again(first)
    await until(notes, "first ready")
    await started.stop()
    assert notes.read_text().splitlines()[-2:] == ["second stops", "first stops"]
    assert list(started) == [first, second]
    assert first.log.read_text() == "hello\nhello\n"


PARENT = """
import asyncio, os, pathlib, sys
from launcher.children import Children
async def main():
    child = await Children(pathlib.Path(sys.argv[1])).start("first", ["first", sys.argv[2]], os.environ)
    print(child.process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_children_stop_when_their_parent_is_killed(tmp_path, modules):
    notes = tmp_path / "notes"
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path), str(notes)),
        env=modules(first=OBEDIENT),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    await until(notes, "first ready")
    parent.kill()
    await parent.wait()
    await until(notes, "first stops")
    async with asyncio.timeout(30):
        while alive(pid):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_a_signal_for_the_terminals_group_does_not_reach_the_children(tmp_path, modules):
    notes = tmp_path / "notes"
    started = Children(tmp_path)
    child = await started.start("first", ["first", str(notes)], modules(first=OBEDIENT))
    await until(notes, "first ready")
    assert os.getpgid(child.process.pid) != os.getpgid(0)
    await started.stop()
