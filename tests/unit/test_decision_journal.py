import asyncio
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from airegistry.invoke.selection import Journal
from tests.waiting import until


async def test_lines_are_written_in_order_and_for_their_owner_alone(tmp_path):
    journal = Journal(tmp_path / "gateway" / "log", most_bytes=1_000, files=2)
    for i in range(3):
        journal.add(str(i))
    await journal.flush()
    assert journal.path.read_text() == "0\n1\n2\n"
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert (journal.written, journal.dropped) == (3, 0)


@pytest.mark.parametrize("files", [1, 2, 4])
async def test_the_log_is_turned_over_and_never_larger_than_its_files(tmp_path, files):
    journal = Journal(tmp_path / "log", most_bytes=100, files=files)
    for i in range(200):
        journal.add(f"{i:09d}")
        await journal.flush()
    kept = sorted(tmp_path.iterdir())
    assert len(kept) <= files
    assert all(path.stat().st_size <= 110 for path in kept)
    if files > 1:
        lines = [int(line) for path in reversed(kept) for line in path.read_text().split()]
        assert lines == list(range(lines[0], 200))
        assert len(lines) >= 10 * (files - 1)


async def test_what_is_cancelled_while_it_waits_for_a_thread_is_written(tmp_path):
    journal, busy = Journal(tmp_path / "log", most_bytes=1_000, files=2), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        threads.submit(busy.wait)
        journal.add("0")
        flushing = asyncio.ensure_future(journal.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        await asyncio.sleep(0)
        busy.set()
        with pytest.raises(asyncio.CancelledError):
            await flushing
    assert journal.path.read_text() == "0\n"
    assert (journal.written, journal.dropped) == (1, 0)


_WRITER = """
import asyncio, sys
from pathlib import Path
from airegistry.invoke.selection import Journal

async def write():
    journal = Journal(Path(sys.argv[1]), most_bytes=500, files=100)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(2_000):
        journal.add(f"{sys.argv[2]} {number:06d}")
        await journal.flush()

asyncio.run(write())
"""


def writer(path, name) -> Any:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, path, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_processes_that_share_it_lose_no_line_when_it_is_turned_over(tmp_path):
    with ExitStack() as stack:
        writers = [stack.enter_context(writer(tmp_path / "log", name)) for name in "ab"]
        assert [each.stdout.readline() for each in writers] == ["ready\n"] * 2
        # Both begin at the same moment.
        for each in writers:
            each.stdin.close()
        assert [each.wait(60) for each in writers] == [0, 0]
    kept = [path.read_text().splitlines() for path in tmp_path.iterdir()]
    assert sorted(line for lines in kept for line in lines) == [
        f"{name} {number:06d}" for name in "ab" for number in range(2_000)
    ]
    # Each was full when it was turned over, and nobody wrote into it after that.
    full = [len(lines) for lines in kept if len(lines) >= 56]
    assert set(full) == {56}
    assert len(kept) - len(full) <= 1


async def test_what_cannot_be_written_is_dropped_and_counted(tmp_path, caplog):
    (tmp_path / "log").mkdir()
    journal = Journal(tmp_path / "log", most_bytes=100, files=2)
    for _ in range(2):
        journal.add("x")
        await journal.flush()
    assert (journal.written, journal.dropped) == (0, 2)
    assert len(caplog.records) == 1


async def test_what_waits_is_bounded(tmp_path):
    journal = Journal(tmp_path / "log", most_bytes=10**9, files=2)
    for i in range(10_100):
        journal.add(str(i))
    await journal.flush()
    assert journal.dropped == 100
    assert journal.path.read_text().startswith("100\n")


async def test_it_writes_by_itself(tmp_path):
    journal = Journal(tmp_path / "log", most_bytes=10**9, files=2)
    journal.add("x")
    running = asyncio.create_task(journal.run())
    await until(lambda: journal.written)
    running.cancel()
    await asyncio.wait([running])
    assert journal.path.read_text() == "x\n"
